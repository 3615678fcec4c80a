# doxygen.sed: comments as Doxygen wants them, in the public headers. Lines of sections become groups; a comment behind a
# declaration is about it; what Doxygen would read as its own or as HTML is quoted.
s:^/\* ---- \(.*[^-]\) *-* \*/:/** @name \1 */:
s:^\( *\)/\* :\1/** :
s:\([^ ].*\) /\* :\1 /**< :
s:<\([a-z=]\):\&lt;\1:g
s:&lt;\([a-z_/0-9]*\.h>\):<\1:
