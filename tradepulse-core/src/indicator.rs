//! Technical indicators: one file each, streaming and batch by the same code.
