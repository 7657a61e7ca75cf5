"""What the containers are made of, and a number that tells this run's from others'."""
import os

IMAGE = "debian:bookworm"
NUMBER = os.getpid() % 100000
