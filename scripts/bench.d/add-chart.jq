# A bar chart (SVG) of the list of results of `scripts/bench add`: floor, ADD and DEL medians side by side.
def px: . * 100 | round / 100 | tostring;
(map([.floor_p50_ms, .add_p50_ms, .del_p50_ms]) | flatten | max) as $top |
def bar($x; $value; $colour): ($value / $top * 160) as $h |
  "<rect x=\"\($x | px)\" y=\"\(190 - $h | px)\" width=\"34\" height=\"\($h | px)\" fill=\"\($colour)\"/>" +
  "<text x=\"\($x + 17 | px)\" y=\"\(186 - $h | px)\" text-anchor=\"middle\">\($value * 100 | round / 100)</text>";
"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"\(60 + 150 * length)\" height=\"250\" font-family=\"sans-serif\" font-size=\"11\">",
"<title>Median time of ADD and DEL in ms, whole processes, against the kernel's floor</title>",
(to_entries[] | (40 + .key * 150) as $x | .value |
  bar($x; .floor_p50_ms; "#9aa5b1"), bar($x + 38; .add_p50_ms; "#2f6fab"), bar($x + 76; .del_p50_ms; "#7fb069"),
  "<text x=\"\($x + 55)\" y=\"208\" text-anchor=\"middle\">\(.parallel) at once, ratio \(.ratio_p50)</text>"),
"<text x=\"40\" y=\"235\"><tspan fill=\"#9aa5b1\">■ kernel floor</tspan> <tspan fill=\"#2f6fab\">■ ADD</tspan> <tspan fill=\"#7fb069\">■ DEL</tspan>, p50 in ms</text>",
"</svg>"
