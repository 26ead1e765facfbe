"""The rows that are measured: queries on the source, tables made from them once."""

# L3: int, int, md5 text, timestamptz, numeric; 98 bytes of COPY text.
ROW_SQL = ("SELECT i AS id, i % 1000 AS bucket, md5(i::text) AS word, "
           "timestamptz '2024-01-01 00:00:00.123456+00' + i * interval '1 second' AS at, "
           "(i * 1.37)::numeric(18,6) AS amount FROM generate_series(1, {rows}) AS i")

# 20 text columns of 50 bytes, hex, read from a table: md5 would be all that is measured.
WIDE_TABLE = ("CREATE TABLE public.bench_wide AS SELECT "
              + ", ".join(f"left(repeat(md5((i * 20 + {column})::text), 2), 50) AS c{column}"
                          for column in range(20))
              + " FROM generate_series(1, {rows}) AS i;"
              " GRANT SELECT ON public.bench_wide TO PUBLIC;")
WIDE_SQL = "SELECT * FROM public.bench_wide LIMIT {rows}"

# 10 kB that no codec makes smaller, read from a table: computing them is slower than anything.
BLOBS = 1000
BLOB_TABLE = f"""
CREATE TABLE public.bench_blobs (id int, data bytea);
ALTER TABLE public.bench_blobs ALTER data SET STORAGE EXTERNAL;
INSERT INTO public.bench_blobs
SELECT i, substr((SELECT string_agg(sha256((i || ' ' || k)::bytea), '')
                  FROM generate_series(1, 313) AS k), 1, 10000)
FROM generate_series(1, {BLOBS}) AS i;
GRANT SELECT ON public.bench_blobs TO PUBLIC;
"""
BLOB_SQL = ("SELECT b.id, b.data FROM generate_series(1, {rows} / " f"{BLOBS}" ") AS round, "
            "public.bench_blobs AS b")

ROW_COLUMNS = "id int, bucket int, word text, at timestamptz, amount numeric"
WIDE_COLUMNS = ", ".join(f"c{column} text" for column in range(20))
BLOB_COLUMNS = "id int, data bytea"
