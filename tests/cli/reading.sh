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
