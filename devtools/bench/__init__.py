"""Benchmarks: what Haven does in a second, beside what simpler servers do on the same machine."""
