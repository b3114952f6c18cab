# Order words by how near they are to a mistyped one, the nearest first: edit distance, then the order given.
#
#   printf '%s\n' stage stop_stage nj | word=stge awk -f tools/nearest.awk      # stage, nj, stop_stage
#
# In awk because a mistyped option has to be explained before there is any Python environment.

{ choice[NR] = $0; distance[NR] = edits(ENVIRON["word"], $0) }

END {
  for (rank = 1; rank <= NR; rank++) {
    best = 0
    for (i = 1; i <= NR; i++)
      if (i in choice && (!best || distance[i] < distance[best])) best = i
    print choice[best]
    delete choice[best]
  }
}

# Levenshtein distance, one row of the table at a time.
function edits(a, b,    i, j, row, diagonal, above, cost) {
  for (j = 0; j <= length(b); j++) row[j] = j
  for (i = 1; i <= length(a); i++) {
    diagonal = row[0]
    row[0] = i
    for (j = 1; j <= length(b); j++) {
      above = row[j]
      cost = diagonal + (substr(a, i, 1) != substr(b, j, 1))
      if (above + 1 < cost) cost = above + 1
      if (row[j - 1] + 1 < cost) cost = row[j - 1] + 1
      row[j] = cost
      diagonal = above
    }
  }
  return row[length(b)]
}
