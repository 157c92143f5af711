/*
 * The protocol of lib/sync as a model: commit, catching up, checkpoint, retention, with instances that may be frozen
 * between any two steps for any time. Spin visits every state of it; see docs/model.md for what is assumed and what is
 * left out, and model.test.ts for the sizes and for the broken variants (-D…) that must be found.
 *
 * Time: one tick is an hour. All that has an age is aged by Clock at once; ages stop at the largest that matters.
 */

#ifndef INSTANCES
#define INSTANCES 2
#endif
#ifndef VERSIONS
#define VERSIONS 3
#endif
#ifndef ATTEMPTS
#define ATTEMPTS 4
#endif

/* lib/sync/context.ts: proofMs, keepSnapshotMs; and how far a snapshot's date may lie before it became visible. */
#define PROOF 1
#define KEEP 1
#define UPLOAD 1

#define NONE 0

/* ---- the broken variants ---- */

#define CONTINUES (previous[version[me] + 1] == position[me])
#ifdef NEVER_LOOK
#define SKIP_LOOK true
#else
#define SKIP_LOOK false
#endif

#ifdef ONE_SNAPSHOT
#define COVER 1
#else
#define COVER 2
#endif

/* For the search of what a broken variant does: no kills, no answers that are lost, no looks that fail. */
#ifdef CALM
#define TROUBLE false
#else
#define TROUBLE true
#endif

#ifdef AT_ONCE
#define SETTLED true
#else
#define SETTLED (snapshotAge[n] > KEEP)
#endif

/* ---- the store ---- */

/* Id of the record with this number, NONE while there is none; and the id of the record that it names as its predecessor. */
byte record[VERSIONS + 2];
byte previous[VERSIONS + 2];
/* What the snapshot of this version holds: the id of its last record. NONE while there is none. */
byte snapshot[VERSIONS + 1];
byte snapshotAge[VERSIONS + 1];

/* ---- what really happened; the instances do not see this ---- */

/* The first record that was ever created with this number: the one history. */
byte history[VERSIONS + 2];
byte head;
/* The highest version of which some client was told that it is durable. */
byte acknowledged;

/* ---- the instances ---- */

byte version[INSTANCES];
byte position[INSTANCES];
/* The newest snapshot that the instance knows of. */
byte newest[INSTANCES];
/* Time since its trust began, since its operation began, since the date of its upload. */
byte trustAge[INSTANCES];
byte operationAge[INSTANCES];
byte uploadAge[INSTANCES];
/* Somebody in the instance changes the replica. */
bool turn[INSTANCES];
byte nextId = 1;

#define needsLook (trustAge[me] >= PROOF)

inline older(age, limit) {
  if
  :: age < limit -> age++
  :: else
  fi
}

active proctype Clock() {
  byte i;
  do
  :: d_step {
       i = 0;
       do
       :: i < INSTANCES ->
            older(trustAge[i], PROOF);
            older(operationAge[i], PROOF);
            older(uploadAge[i], UPLOAD + 1);
            i++
       :: else -> break
       od;
       i = 1;
       do
       :: i <= VERSIONS ->
            if
            :: snapshot[i] != NONE -> older(snapshotAge[i], KEEP + 1)
            :: else
            fi;
            i++
       :: else -> break
       od;
       i = 0
     }
  od
}

/* One list of the snapshots. */
inline findNewest(found) {
  found = VERSIONS;
  do
  :: found > 0 && snapshot[found] == NONE -> found--
  :: else -> break
  od
}

/*
 * A look. What lies between its beginning, from which its age counts, and the list can only make an instance trust less,
 * so both are one step; the same goes for other operations that are one step here.
 */
inline look() {
  findNewest(found);
  if
  :: found > newest[me] -> newest[me] = found
  :: else
  fi;
  trustAge[me] = 0;
  found = 0
}

/* Begins again from the newest snapshot, or from nothing. */
inline startAnew() {
  findNewest(found);
  version[me] = found;
  position[me] = (found == 0 -> NONE : snapshot[found]);
  if
  :: found > newest[me] -> newest[me] = found
  :: else
  fi;
  trustAge[me] = 0;
  found = 0
}

#define next record[version[me] + 1]

/* Nothing of an instance's memory stays. */
inline forget() {
  trustAge[me] = PROOF;
  operationAge[me] = PROOF;
  newest[me] = 0;
  began = 0;
  id = NONE
}

proctype Instance(byte me) {
  byte found, id, began;

starting:
  /* With its slot it goes on from its replica, if that is on the log; else anew. */
  atomic {
    forget();
    if
    :: version[me] > 0 && (record[version[me]] == position[me] ||
         (record[version[me]] == NONE && next != NONE && CONTINUES)) -> look()
    :: startAnew()
    fi
  };

following:
  /* Follows the log to its end. */
  if
  :: atomic { next != NONE && CONTINUES -> version[me]++; position[me] = record[version[me]]; goto following }
  :: atomic { next != NONE && !(CONTINUES) -> startAnew(); goto following }
  :: atomic { next == NONE -> operationAge[me] = 0 }
  fi;
  /* Concludes that this is the head; any time may have passed. The look may fail: then nothing is concluded. */
  atomic {
    if
    :: needsLook && !SKIP_LOOK -> if :: look() :: TROUBLE -> goto failed fi
    :: else
    fi;
    if
    :: version[me] < newest[me] -> startAnew(); goto following
    :: else
    fi;
    trustAge[me] = operationAge[me];
    operationAge[me] = PROOF;
    /* A strict read is answered now. */
    assert(version[me] == 0 || position[me] == history[version[me]]);
    assert(version[me] >= began);
    began = 0;
    turn[me] = false
  };

idle:
  if
  :: /* A strict read. */
     atomic { !turn[me] -> turn[me] = true; began = acknowledged; goto following }

  :: /* A write. It catches up first when its last proof is half as old as may be trusted: at any time, here (a read). */
     atomic { !turn[me] && !needsLook && version[me] >= newest[me] && nextId <= ATTEMPTS && version[me] < VERSIONS ->
       turn[me] = true; id = nextId; nextId++; operationAge[me] = 0 }

  :: /* Killed; with or without what is on its disk. */
     atomic { TROUBLE && !turn[me] -> turn[me] = true; goto starting }
  fi;

creating:
  if
  :: atomic { next == NONE ->
       next = id;
       previous[version[me] + 1] = position[me];
       if
       :: history[version[me] + 1] == NONE -> history[version[me] + 1] = id; head = version[me] + 1
       :: else
       fi;
       if
       :: true                     /* Created. */
       :: TROUBLE -> goto creating /* The answer was lost: tried again. */
       :: TROUBLE -> goto failed   /* The same, until the deadline. */
       :: TROUBLE -> goto starting /* Killed. */
       fi }
  :: atomic { next != NONE ->
#ifdef NO_READ_BACK
       goto lost
#else
       goto reading
#endif
     }
  :: TROUBLE -> goto failed /* The request never got there. */
  fi;

created:
  atomic {
    if
    :: needsLook && !SKIP_LOOK -> if :: look() :: TROUBLE -> goto failed fi
    :: else
    fi;
    if
    :: newest[me] > version[me] -> goto failed
    :: else
    fi;
    version[me]++;
    position[me] = id;
    id = NONE;
    trustAge[me] = operationAge[me];
    operationAge[me] = PROOF;
    /* Acknowledged: it must be the one that all others will ever see. */
    assert(history[version[me]] == position[me]);
    if
    :: version[me] > acknowledged -> acknowledged = version[me]
    :: else
    fi;
    turn[me] = false;
    goto idle
  };

reading:
  if
  :: atomic { next == id -> goto created }
  :: atomic { next == NONE -> goto creating }
  :: atomic { next != NONE && next != id -> goto lost }
  :: TROUBLE -> goto failed
  fi;

lost:
  /* Run again on top of what came first; that is another attempt. The client may be told that nothing was written. */
  atomic {
    assert(next != id);
    id = NONE;
    operationAge[me] = PROOF;
    goto following
  };

failed:
  /* The client is told that it is not known. */
  atomic {
    id = NONE;
    began = 0;
    operationAge[me] = PROOF;
    turn[me] = false;
    goto idle
  }
}

/* Checkpoints beside the writes of the same instance. */
proctype Checkpointer(byte me) {
  byte at, holds;

  do
  :: atomic { !turn[me] && version[me] > 0 && snapshot[version[me]] == NONE ->
       at = version[me]; holds = position[me]; uploadAge[me] = 0 };
     if
     :: atomic { uploadAge[me] <= UPLOAD && snapshot[at] == NONE ->
          snapshot[at] = holds; snapshotAge[at] = uploadAge[me] }
     :: TROUBLE || uploadAge[me] > UPLOAD /* Given up, killed, or too slow. */
     fi;
     atomic { at = 0; holds = NONE; uploadAge[me] = UPLOAD + 1 }
  od
}

/* Retention, by whichever instance: what a list says may go, goes one by one, oldest first, however much later. */
proctype Retention() {
  byte settled, covered, third, n;

  do
  :: atomic {
       n = VERSIONS;
       do
       :: n > 0 ->
            if
            :: snapshot[n] != NONE && SETTLED ->
                 settled++;
                 if
                 :: settled == COVER -> covered = n
                 :: else
                 fi;
                 if
                 :: settled == COVER + 1 -> third = n
                 :: else
                 fi
            :: else
            fi;
            n--
       :: else -> break
       od;
       settled = 0;
       covered > 0;
       n = 1
     };
     do
     :: atomic { n > 0 && n <= covered -> record[n] = NONE; n++ }
     :: atomic { TROUBLE && n > 0 && n <= covered -> n = 0 /* Killed. */ }
     :: atomic { n == 0 || n > covered -> break }
     od;
     do
     :: atomic { third > 0 -> snapshot[third] = NONE; snapshotAge[third] = 0; third-- }
     :: atomic { third == 0 -> break }
     od;
     atomic { n = 0; covered = 0 }
  od
}

/*
 * At any time the database can be started, also when the newest snapshot is damaged: from the one before it, or from
 * nothing while there are fewer, all records lie there in one chain.
 */
active proctype Monitor() {
  byte n, found;
  do
  :: d_step {
       n = VERSIONS; found = 0;
       do
       :: n > 0 && found < 2 ->
            if
            :: snapshot[n] != NONE && snapshot[n] == history[n] -> found++
            :: else
            fi;
            if
            :: found < 2 -> n--
            :: else
            fi
       :: else -> break
       od;
       do
       :: n < head -> n++; assert(record[n] == history[n])
       :: else -> break
       od;
       n = 0; found = 0
     }
  od
}

init {
  byte i;
  atomic {
    do
    :: i < INSTANCES ->
         uploadAge[i] = UPLOAD + 1;
         run Instance(i);
         turn[i] = true;
         trustAge[i] = PROOF;
         operationAge[i] = PROOF;
         run Checkpointer(i);
         i++
    :: else -> break
    od;
    run Retention();
    i = 0
  }
}
