"""Library pictures that show what a benchmark's picture shows: copies, mirror images and crops of one another."""
