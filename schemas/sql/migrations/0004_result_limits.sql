-- 0004: how much the results of a job may come to.

-- Caps on rows and on bytes before compression, of all results of a job together. Null: no cap.
ALTER TABLE tenant
    ADD COLUMN max_rows bigint CHECK (max_rows > 0),
    ADD COLUMN max_bytes bigint CHECK (max_bytes > 0);
ALTER TABLE source
    ADD COLUMN max_rows bigint CHECK (max_rows > 0),
    ADD COLUMN max_bytes bigint CHECK (max_bytes > 0);

-- What a step that is done has used up of such a limit, and whether something was left out.
ALTER TABLE step
    ADD COLUMN raw_bytes bigint NOT NULL DEFAULT 0,
    ADD COLUMN truncated boolean NOT NULL DEFAULT false;
ALTER TABLE kept_step
    ADD COLUMN raw_bytes bigint NOT NULL DEFAULT 0,
    ADD COLUMN truncated boolean NOT NULL DEFAULT false;
