#!/bin/sh
# text-dedup's own command. sh text_dedup.sh PYTHON IN OUT
exec "$1" -m text_dedup.minhash --path parquet --data_files "$2/text.parquet" --split train --cache_dir "$3/cache" \
  --output "$3/kept" --column text --idx_column id --ngram 5 --min_length 1 --num_perm 128 --threshold 0.7 \
  --b 14 --r 9 --hash_func xxh3 --hash_bits 32 --num_proc 1 --batch_size 10000
