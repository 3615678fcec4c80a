# inputs.sh: the bytes of the nasty inputs: `input ID` prints those of a case. All but a few are good.csv with something
# wrong in it, so that a case shows what is wrong and no more. Sourced by run.sh, in whose folder good.csv lies.
# shellcheck disable=SC2016,SC2059 # awk programs; bytes as formats

# Two numbers, a category, and a target of 0 and 1 that they decide: good ROWS SEED. The same bytes with every awk.
good() {
    awk -v n="$1" -v s="$2" '
        function next_one() { s = (s * 16807) % 2147483647; return s / 2147483647 }
        BEGIN {
            split("red green blue", colour, " ")
            print "a,b,c,y"
            for (i = 0; i < n; i++) {
                a = 4 * next_one() - 2
                b = 4 * next_one() - 2
                k = 1 + int(3 * next_one())
                printf "%.6f,%.6f,%s,%d\n", a, b, colour[k], (a + b + (k == 1) + next_one() - 1 > 0)
            }
        }'
}

# line N TEXT: this in place of line N. cell N FIELD TEXT: in one field of it.
line() { N=$1 TEXT=$2 awk 'NR == ENVIRON["N"] + 0 { print ENVIRON["TEXT"]; next } 1' good.csv; }
cell() {
    N=$1 FIELD=$2 TEXT=$3 awk -F, -v OFS=, 'NR == ENVIRON["N"] + 0 { $(ENVIRON["FIELD"] + 0) = ENVIRON["TEXT"] } 1' good.csv
}
# each PROGRAM: awk on the fields of every line. rows FORMAT: 100 rows of a, b, c below the header, with 0 and 1 in turn.
each() { awk -F, -v OFS=, "$1" good.csv; }
rows() { awk -v row="$1" 'BEGIN { print "a,b,c,y"; for (i = 0; i < 100; i++) print row "," i % 2 }'; }
# repeat N TEXT: without line ends.
repeat() {
    case ${#2} in
    1) head -c "$1" /dev/zero | tr '\0' "$2" ;;
    *) head -c "$1" /dev/zero | tr '\0' x | sed "s/x/$2/g" ;;
    esac
}
bytes() { # of hexadecimal digits, octal escapes being all that printf has everywhere
    for pair in $(echo "$1" | sed 's/../& /g'); do printf "\\$(printf %03o "0x$pair")"; done
}

# What an experiment says around the KEYS of a case.
experiment() {
    printf '{"data": {"train": "good.csv", "target": "y"}, "limits": {"max_trials": 1, "threads": 1}, "learners": ["naive_bayes"]%s}' \
        "${1:+, $1}"
}
limits() { printf '{"data": {"train": "good.csv", "target": "y"}, "learners": ["naive_bayes"], "limits": {"max_trials": 1, %s}}' "$1"; }

input() {
    case $1 in
    # ---- CSV: bytes and structure
    C01) ;;
    C02) printf '\n\n\n' ;;
    C03) head -n 1 good.csv ;;
    C04) head -n 2 good.csv ;;
    C05) bytes efbbbf && cat good.csv ;;
    C06) bytes fffe && input C07 ;;
    C07) each '{ for (i = 1; i <= length($0); i++) printf "%s@", substr($0, i, 1); printf "\n@" }' | tr @ '\0' ;;
    C08) cell 10 3 'r@d' | tr @ '\0' ;;
    C09) cell 10 3 'ros@' | tr @ '\351' ;;
    C10) each '{ print $0 "\r" }' ;;
    C11) tr '\n' '\r' <good.csv ;;
    C12) each '{ print $0 (NR % 2 ? "\r" : "") }' ;;
    C13) each '{ printf "%s%s", (NR > 1 ? "\n" : ""), $0 }' ;;
    C14) line 51 '0.1,0.2,red' ;;
    C15) line 51 '0.1,0.2,red,1,9,9' ;;
    C16) line 51 '1,5,0.2,red,1' ;;
    C17) tr ',.' ';,' <good.csv ;;
    C18) tr , '\t' <good.csv ;;
    C19) cell 10 3 '"dark
red"' ;;
    C19b) input C19 | sed '$s/$/,9/' ;;
    C20) cell 10 3 '"say ""hi"""' ;;
    C21) cell 10 3 '"never closed' ;;
    C22) cell 10 3 '"red"x' ;;
    C23) cell 10 3 're"d' ;;
    C24) line 1 'a,a,c,y' ;;
    C25) line 1 'a,,c,y' ;;
    C26) tail -n +2 good.csv ;;
    C27) each '{ print $0 "," }' ;;
    C28) echo '# exported 2024-01-01' && cat good.csv ;;
    C29) cat good.csv && echo 'Total,,,200' ;;
    C30) cat good.csv good.csv ;;
    C31) head -n 9 good.csv && printf '0,0,' && repeat 20971520 x && echo ,1 && tail -n +11 good.csv ;;
    C33) awk 'BEGIN { for (i = 0; i < 100000; i++) { printf "x%d,", i; row = row "0," } print "y"; for (i = 0; i < 20; i++) print row i % 2 }' ;;
    C34) awk 'BEGIN { for (s = 5; i < 65536; i++) { s = (s * 16807) % 2147483647; printf "%c", 1 + int(s / 256) % 255 } }' ;;
    C35) bytes 1f8b0800 && head -c 64 /dev/zero ;;
    C36) printf 'PK' && bytes 0304 && head -c 64 /dev/zero ;;
    C37) printf 'PAR1' && head -c 64 /dev/zero ;;
    C42) good 100000 3 ;;

    # ---- CSV: values, and what they mean
    V01) each 'NR > 1 && NR < 61 { split("nan NA NaN null N/A", w, " "); $1 = w[NR % 6] } 1' ;;
    V02) cell 10 1 inf ;;
    V03) cell 10 1 1e999 ;;
    V04) each 'NR > 9 && NR < 15 { $1 = (NR % 2 ? "-" : "") "1e308" } 1' ;;
    V05) each 'NR > 9 && NR < 15 { $1 = "4.9e-324" } 1' ;;
    V06) cell 10 1 0x1F ;;
    V07) cell 10 1 '"1,234.5"' ;;
    V08) cell 200 1 oops ;;
    V09) cell 10 4 '' ;;
    V10) each 'NR > 1 { $4 = "" } 1' ;;
    V11) each 'NR > 1 { $4 = 1 } 1' ;;
    V12) cell 10 4 2 ;;
    V13) rows 7,7,k ;;
    V14) rows ,, ;;
    V15) each '{ print (NR > 1 ? $1 : "a2") "," $0 }' ;;
    V16) each '{ print $0 "," (NR > 1 ? $4 : "leak") }' ;;
    V17) each '{ print (NR > 1 ? sprintf("10000000%05d", NR) : "id") "," $0 }' ;;
    V18) cell 10 1 9007199254740993 ;;
    V19) awk 'BEGIN { print "a,b,c,y"; for (i = 0; i < 300; i++) print i % 17 ",1,k" i "," i % 2 }' ;;
    V20) cell 10 3 "=cmd|' /C calc'!A0" ;;
    V21) cell 10 3 "$(bytes e280ae)$(repeat 50 "$(bytes f09f92a9)")" ;;
    V22) sed 's/red/purple/' good.csv ;;
    V23) each '{ print $3, $2, $1 }' ;;
    V24) each '{ print $1, $2 }' ;;
    V25) each '{ print (NR > 1 ? 9 : "z"), $0 }' ;;
    V26) cell 3 1 red ;;
    V27) echo a,b,c ;;
    V28) good 200000 7 ;;

    # ---- experiments
    J01) ;;
    J02) echo '[]' ;;
    J03) experiment | sed 's/}$//' ;;
    J04) experiment | sed 's/}$/,}/' ;;
    J05) printf '// a comment\n' && experiment ;;
    J06) experiment '"search": {"seed": 1, "seed": 2}' ;;
    J07) limits '"timout": "9s"' ;;
    J08) limits '"timeout": -5' ;;
    J09) experiment '"search": {"seed": 1.5}' ;;
    J10) experiment '"search": {"seed": 18446744073709551617}' ;;
    J11) limits '"timeout": 1e400' ;;
    J12) experiment '"search": {"seed": 01}' ;;
    J13) echo '{"data": {"train": "good.csv\u0000/etc/passwd", "target": "y"}}' ;;
    J14) echo '{"data": {"train": "\ud800", "target": "y"}}' ;;
    J15) repeat 100000 '[' ;;
    J16) repeat 5000 '{"data":' && printf 1 && repeat 5000 '}' ;;
    J17) experiment | sed 's/\["naive_bayes"\]/{"gbdt": {"learning_rate": {"min": 0.2, "max": 0.1}}}/' ;;
    J19) experiment | sed 's/\["naive_bayes"\]/{"gbdt": {"num_leaves": []}}/' ;;
    J20) experiment '"outputs": {"model": "../no_such_folder/pwned.automl"}' ;;
    J22) bytes efbbbf && experiment ;;
    J23) limits '"threads": 1000000000' | sed 's/"max_trials": 1, //' ;;
    J24) experiment && echo ' x' ;;
    J25) printf '{"name": "' && repeat 8388608 a && printf '"}' ;;

    *[a-z]) input "${1%?}" ;; # further lines of a case have its input
    esac
}
