//! Images are slimmed, and read back.
