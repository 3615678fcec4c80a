# reading.sh: options of reading data.
. "$ROOT/tests/cli/common"

printf 'exported by us\na;b\n1,5;ros\351\n2,5;blau\n3;gr\374n;9\nTotal;x\n' >t.csv
refused 65 latin1 -- check t.csv --skip-lines 1
run 0 check t.csv --encoding latin1 --skip-lines 1 --skip-footer 1 --ragged pad
has out '3 rows, 2 columns'
run 0 check t.csv --encoding latin1 --skip-lines 1 --skip-footer 1 --ragged skip
has out '2 rows, 2 columns'
refused 64 ragged -- check t.csv --ragged maybe
refused 64 klingon -- check t.csv --encoding klingon

# A person's word on kinds counts.
printf 'code,v\n10,1\n20,2\n10,3\n' >t.csv
run 0 check t.csv --write-schema kinds.json
sed '/"code"/,/kind/s/number/category/' kinds.json >mine.json
run 0 check t.csv --schema mine.json
has out category
printf '{"columns": [{"name": "code", "kind": "colour"}]}' >bad.json
refused 78 kind -- check t.csv --schema bad.json

# What is guessed is said, can be written down, corrected and read again.
printf 'Umsatz 2024\n\ntag;betrag;gewicht;ok\n2024-01-01;1.234,5;12 kg;ja\n2024-01-02;999,0;7 kg;nein\nSumme;2.233,5;;\n' >t.csv
run 0 check t.csv --write-schema found.json
has err semicolons 'decimal comma' '2 lines above the header' '1 line at the end' 'in kg'
has out '2 rows, 4 columns' date quantity
has found.json '"skip_lines": 2' '"decimal": ","' '"unit": "kg"' '"form": "date"'
run 0 check t.csv --json
is_json
has out '"reading"' '"notes"' '"form": "quantity"'
run 0 check t.csv --schema found.json
has out '2 rows, 4 columns'
printf '{"reading": {"separator": ";", "decimal": ",", "skip_lines": 2, "skip_footer": 0}}' >mine.json
run 0 check t.csv --schema mine.json
has out '3 rows, 4 columns'
run 0 check t.csv --schema mine.json --skip-footer 1
has out '2 rows, 4 columns'
refused 65 'skip-lines' -- check t.csv --skip-lines 0 --separator ';'
printf '{"reading": {"seperator": ";"}}' >bad.json
refused 78 separator -- check t.csv --schema bad.json
refused 64 thousands -- check t.csv --thousands xy
printf 'a,b\n"say \\"hi\\"",1\n' >t.csv
run 0 check t.csv
has err backslash
refused 65 escape -- check t.csv --escape none

# Whole numbers of few values may be categories, and are called codes.
awk -v OFS=, 'BEGIN { print "region,big,flag,y"; for (i = 0; i < 200; i++) print i % 5, i * 7, i % 2 ? "yes" : "no", i % 3 }' >t.csv
run 0 check t.csv
has out code integer boolean '0 (40)'

# A model reads what it was trained on in the same dress, and no other unit.
awk 'BEGIN { print "Flats of 2024\n\narea,rent"; for (i = 0; i < 60; i++) print 20 + i % 17 " m2,$" 300 + 11 * (i % 17) + i % 3; print "\nSource: us" }' >t.csv
run 0 train t.csv --target rent --trials 2 --learners ridge --output m.automl
has err '2 lines above the header' 'in m2'
run 0 predict m.automl t.csv --output p.csv
[ "$(wc -l <p.csv)" -eq 61 ] || failed "p.csv has not 61 lines"
sed 's/ m2/ ft2/' t.csv >feet.csv
refused 65 'ft2' -- predict m.automl feet.csv
