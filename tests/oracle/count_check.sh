#!/bin/sh
# count_check.sh COUNT - is the judge awake? Streams written by hand, right and wrong, and what
# COUNT must say of each. The last line is "N passed, N failed".
set -u
count=$1
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
passed=0 failed=0

printf 'good\tpass\t0\t\t\nbad\tfail\t1\twhy\tnever\n' >"$work/kinds"
cat >"$work/right" <<'END'
{"Action":"start","Package":"p/good"}
{"Action":"start","Package":"p/bad"}
{"Action":"run","Package":"p/good","Test":"good_001"}
{"Action":"run","Package":"p/bad","Test":"bad_001"}
{"Action":"output","Package":"p/good","Test":"good_001","Output":"=== RUN   good_001\n[good_001]\n"}
{"Action":"run","Package":"p/bad","Test":"bad_001/fail"}
{"Action":"output","Package":"p/bad","Test":"bad_001","Output":"[bad_001]\nthis is why: [1]\n"}
{"Action":"output","Package":"p/bad","Test":"bad_001/fail","Output":"[bad_001/fail]\n"}
{"Action":"fail","Package":"p/bad","Test":"bad_001/fail","Elapsed":0}
{"Action":"fail","Package":"p/bad","Test":"bad_001","Elapsed":0.01}
{"Action":"pass","Package":"p/good","Test":"good_001","Elapsed":0}
{"Action":"output","Package":"p/good","Output":"ok\n"}
{"Action":"pass","Package":"p/good","Elapsed":0.1}
{"Action":"fail","Package":"p/bad","Elapsed":0.1}
END

# judged SCORE WHAT SED: after that change of the right stream the score must be SCORE.
judged() {
    sed "$3" "$work/right" | "$count" 1 "$work/kinds" >"$work/said"
    got=$(tail -n 1 "$work/said")
    if [ "$got" = "$1" ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        printf 'oracle: judge: %s: "%s", want "%s"\n' "$2" "$got" "$1"
    fi
}

judged '2 passed, 0 failed' 'all as it must be' ''
judged '1 passed, 1 failed' 'wrong verdict' '/"Test":"good_001","Elapsed"/s/pass/fail/'
judged '1 passed, 1 failed' 'no result' '/"pass".*"Test":"good_001"/d'
judged '1 passed, 1 failed' 'two results' '/"pass".*"Test":"good_001"/{p}'
judged '1 passed, 1 failed' 'run twice' '/"run".*"Test":"good_001"/{p}'
judged '1 passed, 1 failed' 'result before run' '/"run".*"Test":"good_001"/d'
judged '1 passed, 1 failed' 'output lost' 's/\[good_001\]//'
judged '1 passed, 1 failed' 'output twice' 's/\[good_001\]\\n/&&/'
judged '1 passed, 1 failed' 'output of another test' 's/\[good_001\]\\n/&[bad_001]/'
judged '1 passed, 1 failed' 'output of another subtest' 's/this is why/& [bad_001\/fail]/'
judged '1 passed, 1 failed' 'reason missing' 's/this is why/this is how/'
judged '1 passed, 1 failed' 'said what it must not' 's/this is why/& never/'
judged '1 passed, 1 failed' 'subtest missing' '/bad_001.fail/d'
judged '1 passed, 1 failed' 'subtest without result' '/"fail".*bad_001.fail/d'
judged '1 passed, 1 failed' 'subtest of the wrong verdict' '/"fail".*bad_001.fail/s/fail/pass/'
judged '1 passed, 1 failed' 'package of the wrong verdict' 's/"pass","Package":"p.good","E/"fail","Package":"p\/good","E/'
judged '1 passed, 1 failed' 'package without result' '/"pass","Package":"p.good","E/d'
judged '1 passed, 1 failed' 'package that never started' '/"start","Package":"p.good"/d'
judged '2 passed, 1 failed' 'a line that is no JSON' '1s/^/x/p;1s/^x//'
# shellcheck disable=SC2016
judged '2 passed, 1 failed' 'a test that is not ours' '$p;$s/"p.bad"/&,"Test":"good_002"/'
judged '0 passed, 2 failed' 'nothing' 'd'
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
