-- A habit tracker: habits, the days on which they were done, and how each week went.

CREATE TABLE habits (
  id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
  name VARCHAR NOT NULL UNIQUE CHECK (name <> ''),
  times_a_week INTEGER NOT NULL DEFAULT 7 CHECK (times_a_week BETWEEN 1 AND 7),
  created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
  updated_at TIMESTAMPTZ NOT NULL DEFAULT now()
);

COMMENT ON COLUMN habits.times_a_week IS 'On how many days of a week it is to be done';

CREATE TABLE check_ins (
  habit_id UUID NOT NULL REFERENCES habits (id),
  day DATE NOT NULL DEFAULT current_date,
  note VARCHAR,
  PRIMARY KEY (habit_id, day)
);

CREATE VIEW weekly_statistics AS
SELECT
  habits.id AS habit_id,
  habits.name AS habit,
  CAST(date_trunc('week', check_ins.day) AS DATE) AS week,
  count(*) AS days_done,
  count(*) >= habits.times_a_week AS is_reached
FROM check_ins
JOIN habits ON habits.id = check_ins.habit_id
GROUP BY habits.id, habits.name, habits.times_a_week, CAST(date_trunc('week', check_ins.day) AS DATE);

COMMENT ON VIEW weekly_statistics IS 'One row for each habit and week; weeks begin on Monday';
