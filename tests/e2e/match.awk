# match.awk WANT GOT - exit 0 when the lines of GOT are those of WANT, where "<*>" stands for any
# text within a line and a line "..." for any number of lines.

function line_matches(want, got,    at, rest) {
    while ((at = index(want, "<*>"))) {
        if (substr(got, 1, at - 1) != substr(want, 1, at - 1))
            return 0
        got = substr(got, at)
        want = substr(want, at + 3)
        if (want == "")
            return 1
        # What stands before the next "<*>" must come; the shortest gap will do, but at the end.
        rest = index(want, "<*>") ? substr(want, 1, index(want, "<*>") - 1) : want
        if (index(want, "<*>") == 0)
            return length(got) >= length(rest) &&
                   substr(got, length(got) - length(rest) + 1) == rest
        if (!(at = index(got, rest)))
            return 0
        got = substr(got, at)
    }
    return want == got
}

FNR == 1 { files++ }
files == 1 { want[++wants] = $0 }
files == 2 { got[++gots] = $0 }

# Depth first, by the last "..." passed: as for "*" in a file name pattern.
END {
    while (wants && want[wants] == "") wants--
    while (gots && got[gots] == "") gots--
    i = j = 1
    while (j <= gots) {
        if (i <= wants && want[i] == "...") {
            star = i++
            mark = j
        } else if (i <= wants && line_matches(want[i], got[j])) {
            i++
            j++
        } else if (star) {
            i = star + 1
            j = ++mark
        } else
            exit 1
    }
    while (i <= wants && want[i] == "...")
        i++
    exit i <= wants
}
