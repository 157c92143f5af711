CREATE TABLE notes (
  id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
  text VARCHAR NOT NULL CHECK (text <> ''),
  created_at TIMESTAMPTZ NOT NULL DEFAULT now()
);
