-- Member organisations of this center, as they are now.
CREATE TABLE organisation (
    id text PRIMARY KEY,
    external_id text UNIQUE,
    kind text NOT NULL,
    name_zh text NOT NULL,
    name_en text NOT NULL,
    region text NOT NULL,
    country text NOT NULL,
    uscc text,
    version int NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT organisation_has_a_name CHECK (name_zh <> '' OR name_en <> ''),
    CONSTRAINT organisation_version_positive CHECK (version > 0)
);
