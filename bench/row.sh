# shellcheck shell=bash
# bench/row.sh - figures, their medians, and rows judged by bench/goals.
#
# A figure is a file $FIGURES/LABEL with a number a line.

met=0
missed=0
printed=' '

# sit ROUNDS LABEL PROGRAM [ARG...] [-- LABEL PROGRAM ...]...: time programs in turn.
sit() {
    local rounds=$1
    shift
    "$TOOLS/timer" "$rounds" "$FIGURES" "$@"
}

median() {
    [ -s "$FIGURES/$1" ] || return 0
    sort -g "$FIGURES/$1" |
        awk '{ v[NR] = $1 } END { print (v[int((NR + 1) / 2)] + v[int(NR / 2) + 1]) / 2 }'
}

# percentile LABEL SHARE: the smallest figure that at least that share (0 to 1) of all do not exceed.
percentile() {
    [ -s "$FIGURES/$1" ] || return 0
    sort -g "$FIGURES/$1" |
        awk -v share="$2" '{ v[NR] = $1 }
            END { at = int(NR * share); if (at < NR * share || at < 1) at++; print v[at] }'
}

# compute EXPRESSION NUMBER...: awk's answer; the numbers are a, b, c. Nothing when one is missing.
compute() {
    local expression=$1 number
    shift
    for number in "$@"; do
        [ -n "$number" ] || return 0
    done
    awk -v a="${1:-0}" -v b="${2:-0}" -v c="${3:-0}" "BEGIN { print $expression }"
}

# cell NUMBER UNIT: three digits or so. A number that is not there is said, never guessed.
cell() {
    if [ -n "$1" ]; then
        printf '%.*f %s' "$(compute 'a < 10 ? 2 : a < 100 ? 1 : 0' "$1")" "$1" "$2"
    else
        printf 'not measured'
    fi
}

# verdict RATIO GOAL: count it and print the end of the row.
verdict() {
    if [ "$(compute 'a <= b' "$1" "$2")" = 1 ]; then
        met=$((met + 1))
        echo met
    else
        missed=$((missed + 1))
        echo MISSED
    fi
}

# row NAME OURS [peer WORDS NUMBER] [limit WORDS NUMBER]
row() {
    local name=$1 ours=$2 unit against goal base ratio words
    local -A number=([peer]='' [limit]='') column=([peer]='-' [limit]='-')

    read -r unit against goal < <(awk -v name="$name" '$1 == name { print $2, $3, $4 }' "$BENCH/goals")
    shift 2
    while [ $# -gt 0 ]; do
        number[$1]=$3
        column[$1]="$2 $(cell "$3" "$unit")"
        shift 3
    done
    if [ "$against" = goal ]; then
        ratio=$(compute 'a / b' "$ours" "$goal")
        words="of the goal (<= $goal $unit)"
        goal=1
    else
        base=${number[$against]}
        ratio=$(compute 'a / b' "$ours" "$base")
        words="of the $against (goal <= $goal)"
    fi
    printed="$printed$name "
    printf '%-29s ours %-13s  peer %-22s  limit %-25s  ratio %-6s %-28s ' "$name" "$(cell "$ours" "$unit")" \
        "${column[peer]}" "${column[limit]}" "${ratio:+$(printf %.3f "$ratio")}" "$words"
    verdict "$ratio" "$goal"
}

# note TEXT: a line that belongs to the rows around it.
note() {
    printf '    %s\n' "$1"
}

# missing PART: rows of the part that were not printed are missed.
missing() {
    local name
    while read -r name; do
        case $printed in
        *" $name "*) ;;
        *)
            printf '%-29s not measured  ' "$name"
            verdict '' ''
            ;;
        esac
    done < <(awk -v part="$1/" 'index($1, part) == 1 { print $1 }' "$BENCH/goals")
}
