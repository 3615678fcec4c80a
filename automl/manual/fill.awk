# fill.awk: a manual page with a line that begins with .\" @ filled: awk -f fill.awk -v version=V template part. For libautoml the
# part is made of automl.h: for each of its sections the functions.
NR == FNR { page[++n] = $0; next }
{ part[++m] = $0 }

function roff(s) {
    gsub(/\\/, "\\e", s)
    gsub(/-/, "\\-", s)
    return s ~ /^[.']/ ? "\\&" s : s
}

# The sections and declarations of a header.
function functions(    i, line, declaration, open) {
    for (i = 1; i <= m; i++) {
        line = part[i]
        if (line ~ /^\/\* ---- /) {
            gsub(/^\/\* -+ | *-* *\*\/$/, "", line)
            if (open) print ".fi"
            printf ".SS %s\n.nf\n", roff(toupper(substr(line, 1, 1)) substr(line, 2))
            open = 1
        } else if (line ~ /^AML_API / || declaration != "") {
            if (!open) { print ".SS Errors\n.nf"; open = 1 }
            sub(/^AML_API /, "", line)
            sub(/;.*/, ";", line)
            gsub(/^[ \t]+/, "", line)
            declaration = declaration (declaration == "" ? "" : " ") line
            if (line ~ /;/) {
                gsub(/\( /, "(", declaration)
                while (length(declaration) > 76) {
                    match(substr(declaration, 1, 76), /^.*[ ]/)
                    print roff(substr(declaration, 1, RLENGTH - 1))
                    declaration = "    " substr(declaration, RLENGTH + 1)
                }
                print roff(declaration)
                declaration = ""
            }
        }
    }
    if (open) print ".fi"
}

END {
    for (i = 1; i <= n; i++) {
        if (page[i] ~ /^\.\\" @VERBS/) for (j = 1; j <= m; j++) print part[j]
        else if (page[i] ~ /^\.\\" @FUNCTIONS/) functions()
        else {
            gsub(/@VERSION@/, version, page[i])
            print page[i]
        }
    }
}
