"""The index: what the side bar, lists and search read instead of the Parquet files."""
