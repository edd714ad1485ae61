"""The stores between stages: Parquet parts, marks, counts, atomic writing. Only this package opens
a file there."""
