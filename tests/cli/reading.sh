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
