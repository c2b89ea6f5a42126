"""The commands of `./reproduce`: one file each."""
