# normalise.sed - take out of a transcript what differs from run to run.
s/\([0-9]+\.[0-9]{2}s\)/(T)/g
s/\t[0-9]+\.[0-9]{3}s/\tT/
s/"Time":"[^"]*"/"Time":"T"/
s/"Elapsed":[0-9.e-]+/"Elapsed":T/
s/\([0-9]+\.[0-9]{2}s\)\\n/(T)\\n/g
s/\\t[0-9]+\.[0-9]{3}s/\\tT/
s/\b(pid|process|child) [0-9]+/\1 PID/g
s/0x[0-9a-f]{6,}/ADDRESS/g
s/(started in|stopped in|made in) [0-9]+ ms/\1 T ms/
s/^((    )+) {0,3}[0-9]+\.[0-9] ms  /\1T ms  /
s/(files?), [0-9]+ ms/\1, T ms/
s/==[0-9]+==/==PID==/
s/\((pid|tid)=[0-9]+/(\1=PID/
s/'([a-z_]+)' \([0-9]+\)/'\1' (PID)/g
s/thread ([0-9]+) \([0-9]+ /thread \1 (PID /
s/build\/[0-9a-f]{16}\//build\/KEY\//g
s/_test\+0x[0-9a-f]+/_test+OFFSET/g
s/-shuffle [0-9]{6,}/-shuffle SEED/
s/--seam-agent=[0-9]+/--seam-agent=FD/g
