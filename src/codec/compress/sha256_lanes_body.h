// Included once for each kind of CPU by sha256_lanes.cc, with HULL_FEATURES
// saying what the compiler may use there.

using Words8 = uint32_t __attribute__((vector_size(32)));

#define HULL_INLINE [[gnu::always_inline, gnu::target(HULL_FEATURES)]] inline

template <int n>
HULL_INLINE Words8 rotate(Words8 x) {
    return (x >> n) | (x << (32 - n));
}

// Eight words of each lane, so that each vector has one word of all lanes.
HULL_INLINE void load(const Sha256Lane* lanes, size_t offset, Words8* words) {
    const __m256i swap = _mm256_set_epi8(12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10,
                                         11, 4, 5, 6, 7, 0, 1, 2, 3);
    __m256i row[8], pair[8], quad[8];
    for (int i = 0; i < 8; ++i)
        row[i] =
            _mm256_shuffle_epi8(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(lanes[i].data + offset)), swap);
    for (int i = 0; i < 8; i += 2) {
        pair[i] = _mm256_unpacklo_epi32(row[i], row[i + 1]);
        pair[i + 1] = _mm256_unpackhi_epi32(row[i], row[i + 1]);
    }
    for (int i = 0; i < 8; i += 4)
        for (int k = 0; k < 2; ++k) {
            quad[i + 2 * k] = _mm256_unpacklo_epi64(pair[i + k], pair[i + k + 2]);
            quad[i + 2 * k + 1] = _mm256_unpackhi_epi64(pair[i + k], pair[i + k + 2]);
        }
    for (int i = 0; i < 4; ++i) {
        words[i] = reinterpret_cast<Words8>(_mm256_permute2x128_si256(quad[i], quad[i + 4], 0x20));
        words[i + 4] = reinterpret_cast<Words8>(_mm256_permute2x128_si256(quad[i], quad[i + 4], 0x31));
    }
}

// FIPS 180-4, 6.2.2.
[[gnu::target(HULL_FEATURES)]] void run(const Sha256Lane* lanes, size_t blocks) {
    Words8 state[8];
    for (size_t i = 0; i < 8; ++i)
        for (size_t lane = 0; lane < 8; ++lane) state[i][lane] = (*lanes[lane].words)[i];
    for (size_t block = 0; block < blocks; ++block) {
        Words8 w[16];
        load(lanes, block * sha256_block_bytes, w);
        load(lanes, block * sha256_block_bytes + 32, w + 8);
        Words8 a = state[0], b = state[1], c = state[2], d = state[3];
        Words8 e = state[4], f = state[5], g = state[6], h = state[7];
#pragma GCC unroll 64
        for (size_t t = 0; t < rounds; ++t) {
            if (t >= 16) {
                const Words8 early = w[(t + 1) & 15], late = w[(t + 14) & 15];
                w[t & 15] += (rotate<7>(early) ^ rotate<18>(early) ^ (early >> 3)) + w[(t + 9) & 15] +
                             (rotate<17>(late) ^ rotate<19>(late) ^ (late >> 10));
            }
            const Words8 t1 = h + (rotate<6>(e) ^ rotate<11>(e) ^ rotate<25>(e)) + (g ^ (e & (f ^ g))) +
                              (w[t & 15] + sha256_round_constants[t]);
            const Words8 t2 = (rotate<2>(a) ^ rotate<13>(a) ^ rotate<22>(a)) + ((a & b) | (c & (a | b)));
            h = g;
            g = f;
            f = e;
            e = d + t1;
            d = c;
            c = b;
            b = a;
            a = t1 + t2;
        }
        state[0] += a;
        state[1] += b;
        state[2] += c;
        state[3] += d;
        state[4] += e;
        state[5] += f;
        state[6] += g;
        state[7] += h;
    }
    for (size_t i = 0; i < 8; ++i)
        for (size_t lane = 0; lane < 8; ++lane) (*lanes[lane].words)[i] = state[i][lane];
}

#undef HULL_INLINE
