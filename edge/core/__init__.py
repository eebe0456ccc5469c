"""What serving and training share: standard library, numpy and msgspec only."""
