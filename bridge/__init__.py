"""The process that holds a Gladia session for each media stream."""
