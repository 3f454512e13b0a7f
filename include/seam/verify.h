/*
 * seam/verify.h - mocks that cannot lie: what a test's double claims, checked against the real server.
 *
 *     $ seam test -verify ./...
 *
 * Under -verify (or with .verify of seam_pg_mock_options) all that a program sent to a mock is sent again, when
 * the test's body has ended, to a real PostgreSQL: a database of its own with the mock's .migrations and .seed,
 * one real session for each session of the mock, every message in the order in which it came. What the rules
 * claimed is compared with what the server says. Each claim gets a verdict:
 *
 *   contradicted  the test fails: the statement does not parse; parameters or columns have other types or names;
 *                 an error, a constraint or a count is not what the test's own statements, .seed and .given make
 *   undecided     a note, never a failure: a number of rows or a foreign key rests on a table that neither
 *                 .seed, .given nor an earlier statement of the test wrote
 *   confirmed     the rest
 *
 * Values of rows and their number are compared only with .compare_rows. A serial or identity column whose value
 * a RETURNING claims is set to give that value. A rule with an error of class 40, 53, 57 or 58, a fault, or
 * .injected is only parsed and described.
 *
 * Facts. What does not depend on data (whether a statement parses, the types of its parameters, names and types
 * of its columns) is kept in testdata/facts/ beside the test when -update is given with -verify. An ordinary run
 * fails a claim that contradicts a kept fact, without any database. `seam facts` lists them, `seam facts --check`
 * derives them again.
 *
 * Without a PostgreSQL that can be reached the verification is skipped, which is counted and said; under
 * -no-skip it fails the test.
 */
#ifndef SEAM_VERIFY_H
#define SEAM_VERIFY_H

#include <seam/pg_mock.h>

#ifdef __cplusplus
extern "C" {
#endif
SEAM_PUBLIC_BEGIN

typedef struct seam_verify_counts {
    int confirmed;
    int undecided;
    int contradicted;
} seam_verify_counts;

/* Verify now what has been answered so far, instead of at the test's end, and say how many of the claims went how.
 * From the (sub)test's own thread; it waits for the real server as long as the test may. Sessions that are still
 * open stay so; what they send from now on is verified later, behind it. Contradictions have failed the test
 * already, at the lines of their rules. All zero without -verify and .verify, and without a server. */
seam_verify_counts seam_pg_verify(seam_pg_mock *mock);

SEAM_PUBLIC_END
#ifdef __cplusplus
}
#endif

#endif
