# abi.awk: from a header to a C program's lines that print the size of each struct, place and size of each member, and the
# value of each enumerator. Comments and preprocessor lines go first; declarations are one or several names a line.
{
    sub(/^[ \t]*#.*/, "")
    text = text $0 " "
}

function last_name(s) {
    gsub(/\[[^]]*\]/, "", s)
    if (match(s, /\(\*[a-z_0-9]+\)/)) return substr(s, RSTART + 2, RLENGTH - 3)
    gsub(/[ \t]+$/, "", s)
    match(s, /[A-Za-z_0-9]+$/)
    return substr(s, RSTART, RLENGTH)
}

function put_struct(name, body,    n, i, k, j, lines, parts, member) {
    printf "    printf(\"%s%s %%zu\\n\", sizeof(%s));\n", name ~ /^struct / ? "" : "struct ", name, name
    n = split(body, lines, ";")
    for (i = 1; i <= n; i++) {
        if (lines[i] !~ /[a-z]/) continue
        k = 1
        parts[1] = lines[i]
        if (lines[i] !~ /\(\*/) k = split(lines[i], parts, ",")
        for (j = 1; j <= k; j++) {
            member = last_name(parts[j])
            printf "    printf(\"  %s %%zu %%zu\\n\", offsetof(%s, %s), sizeof(((%s *)0)->%s));\n", member, name, member, name, member
        }
    }
}

function put_enum(body,    n, i, parts, name) {
    n = split(body, parts, ",")
    for (i = 1; i <= n; i++) {
        name = parts[i]
        sub(/=.*/, "", name)
        gsub(/[ \t]/, "", name)
        if (name != "") printf "    printf(\"enum %s %%lld\\n\", (long long)%s);\n", name, name
    }
}

END {
    while ((at = index(text, "/*"))) {
        end = index(substr(text, at), "*/")
        text = substr(text, 1, at - 1) " " substr(text, at + end + 1)
    }
    gsub(/[ \t]+/, " ", text)
    while (match(text, /(struct( [a-z_0-9]+)?|enum( [a-z_0-9]+)?) \{/)) {
        head = substr(text, RSTART, RLENGTH)
        text = substr(text, RSTART + RLENGTH)
        end = index(text, "}")
        body = substr(text, 1, end - 1)
        text = substr(text, end + 1)
        if (head ~ /^enum/) put_enum(body)
        else {
            split(head, words, " ")
            put_struct(text ~ /^ *;/ ? "struct " words[2] : words[2], body)
        }
    }
}
