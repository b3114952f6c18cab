# shellcheck shell=bash
# Sourced by a recipe's run.sh after its options: the stages that do not depend on the corpus, 2 to 8.
#
#   . "$WESPK_ROOT/tools/recipe.sh"
#   if begin_stage 0 ...       the recipe's own: get the corpus, make data directories and trials
#   features_stage             # 2: augmented copies of train if asked for; feats.scp of all sets
#   training_stage             # 3: the network
#   averaging_stage            # 4: exp/NAME/final, the model directory
#   embeddings_stage           # 5
#   scores_stage               # 6: cosine, cosine_mean, plda, plda_adapted
#   normalisation_stage        # 7: asnorm; calibration and fusion learnt on the list `dev`
#   report_stage               # 8: results, report page, table
#
# They read the recipe's options corpus, data, features, augment, musan, rirs, config, exp, set, nj, nproc, nnodes,
# average, extract_opts, lda_dim, adapt, top_k and by_epoch, and
#   record       a file that changes when the corpus does
#   lists        the trial lists (see steps.sh), `dev` and others: "dev test test_3"
#   verified     those that verification is reported on (default: all)
#   identified   those that closed-set identification is reported on (default: none)
# A recipe that wants another stage writes its own `if begin_stage ...; then ... end_stage; fi` in the place
# of the call.

_refuse() {
  echo "$0: $*" >&2
  exit 1
}

[ $# -eq 0 ] || _refuse "unexpected '$1': options are written --name value"

# The corpus of an earlier run holds until another is given to stage 0.
if [ -f "$data/corpus.json" ]; then
  _given=$(sed -n 's/^  "given": "\(.*\)",\{0,1\}$/\1/p' "$data/corpus.json")
  corpus=${corpus:-$_given}
  [ "$corpus" = "$_given" ] || [ "${stage:-0}" = 0 ] ||
    _refuse "--corpus $corpus: --stage $stage leaves out stage 0, which would take it; $data is made of another"
fi
[ "$lda_dim" != none ] || lda_dim=
[ -f "conf/$features.conf" ] || _refuse "--features $features: there is no conf/$features.conf; write one"

. "$WESPK_ROOT/tools/stages.sh"
. "$WESPK_ROOT/tools/steps.sh"

# shellcheck disable=SC2154 # the recipe's options
exp=${exp:-exp/$(basename "$config" .yaml)}
_scored="cosine cosine_mean plda plda_adapted"
systems="$_scored asnorm"
fused=plda,asnorm # the systems whose fusion is the system `fusion`
_training=$data/train${augment:+_augmented} # what the network learns from; the back-end sees data/train
_mean=$exp/final/mean.vec
_train=$exp/embeddings/train/xvector.scp
_embeddings=("$exp"/embeddings/{train,dev,test}/xvector.json)

features_stage() {
  local -a sets=("$data"/{train,dev,test})
  [ -z "$augment" ] || sets+=("$_training")
  begin_stage 2 "features" --out "${sets[@]/%//feats.scp}" --in "conf/$features.conf" "$record" \
    "$data"/{train,dev,test}/{wav.scp,utt2spk} --set "$features $augment $musan $rirs" || return 0
  [ -z "$augment" ] || augment_set "$nj" "$augment" "$musan" "$rirs" "$data/train" "$_training"
  make_features "$nj" "$features" "conf/$features.conf" "${sets[@]}"
  end_stage
}

training_stage() {
  begin_stage 3 "training" --out "$exp/checkpoints/last.pt" \
    --in "$config" "$_training"/{feats.json,utt2spk} --set "$set" || return 0
  _check_sizes
  train_network "$nproc" "$config" "$set" "$_training" "$exp"
  end_stage
}

# The back-end's sizes, before hours of training rather than after them.
_check_sizes() {
  local speakers
  [ -f "$data/train/spk2utt" ] || return 0
  speakers=$(wc -l < "$data/train/spk2utt")
  [ -z "$lda_dim" ] || [ "$lda_dim" -lt "$speakers" ] ||
    _refuse "--lda_dim $lda_dim: of $speakers training speakers LDA keeps $((speakers - 1)) dimensions at most;" \
      "choose fewer, or --lda_dim none"
  [ "$top_k" -le "$speakers" ] || _refuse "--top_k $top_k: the cohort is the $speakers training speakers; choose fewer"
}

averaging_stage() {
  begin_stage 4 "model averaging" --out "$exp/final/model.safetensors" \
    --in "$exp/checkpoints/last.pt" --set "average=$average" || return 0
  wespk average-models --last "$average" "$exp" "$exp/final"
  end_stage
}

embeddings_stage() {
  begin_stage 5 "embeddings" --out "${_embeddings[@]}" "$_mean" \
    --in "$exp/final/model.safetensors" "$data"/{train,dev,test}/feats.json --set "$extract_opts" || return 0
  extract_embeddings "$nj" "$extract_opts" "$data" "$exp" train dev test
  wespk compute-mean "$_train" "$_mean"
  end_stage
}

scores_stage() {
  local -a files chain=(--mean "$_mean")
  local plda=$exp/final/plda
  score_files "$exp" "$lists" score "$_scored"
  begin_stage 6 "cosine and PLDA scores" --out "${files[@]}" "$plda" \
    --in "${_embeddings[@]}" "$data"/{dev,test}/{trials*,enrol*} --set "lda_dim=$lda_dim adapt=$adapt" || return 0
  if [ -n "$lda_dim" ]; then
    wespk compute-lda --dim "$lda_dim" --mean "$_mean" "$_train" "$data/train/utt2spk" "$exp/final/lda.mat"
    chain+=(--lda "$exp/final/lda.mat")
  else
    rm -f "$exp/final/lda.mat"
  fi
  wespk train-plda "${chain[@]}" "$_train" "$data/train/utt2spk" "$plda"
  wespk adapt-plda --method "$adapt" "${chain[@]}" "$plda" "$exp/embeddings/dev/xvector.scp" "${plda}_adapted"
  for_each_list "$data" "$exp" "$lists" cosine wespk score-cosine
  for_each_list "$data" "$exp" "$lists" cosine_mean wespk score-cosine --mean "$_mean"
  for_each_list "$data" "$exp" "$lists" plda wespk score-plda "${chain[@]}" --plda "$plda"
  for_each_list "$data" "$exp" "$lists" plda_adapted wespk score-plda "${chain[@]}" --plda "${plda}_adapted"
  end_stage
}

normalisation_stage() {
  local -a files raw out
  score_files "$exp" "$lists" score "$_scored"
  raw=("${files[@]}")
  score_files "$exp" "$lists" score asnorm
  out=("${files[@]}")
  if [ -n "${verified-$lists}" ]; then
    score_files "$exp" "${verified-$lists}" llr "$systems fusion"
    out+=("${files[@]}" "$exp/final/calibration.json")
  fi
  begin_stage 7 "score normalisation, calibration and fusion" --out "${out[@]}" \
    --in "${raw[@]}" "${_embeddings[@]}" --set "top_k=$top_k fused=$fused" || return 0
  for_each_list "$data" "$exp" "$lists" asnorm wespk normalise-scores --mean "$_mean" \
    --cohort "$_train" --cohort-utt2spk "$data/train/utt2spk" --top-k "$top_k"
  [ -z "${verified-$lists}" ] || calibrate_lists "$data" "$exp" "${verified-$lists}" "$systems" "fusion=$fused"
  end_stage
}

report_stage() {
  local -a files inputs=("$exp/history.json")
  score_files "$exp" "${identified:-}" score "$systems"
  inputs+=("${files[@]}")
  score_files "$exp" "${verified-$lists}" llr "$systems fusion"
  inputs+=("${files[@]}")
  [ -z "${verified-$lists}" ] || inputs+=("$exp/final/calibration.json")
  if begin_stage 8 "report" --out "$exp/report/index.html" --in "${inputs[@]}" \
      --set "verified=${verified-$lists} identified=${identified:-} by_epoch=$by_epoch"; then
    rm -rf "${exp:?}"/{results,identification}
    evaluate_lists "$data" "$exp" "${verified-$lists}" "$systems fusion"
    identify_lists "$data" "$exp" "${identified:-}" "$systems"
    wespk map-embeddings --mean "$_mean" "$exp/embeddings/test/xvector.scp" "$data/test/utt2spk" \
      "$exp/embedding_map.json"
    if "$by_epoch"; then
      $train_cmd "$exp/log/epochs.log" wespk evaluate-epochs "$exp" "$data/dev"
    else
      rm -f "$exp/epochs.json"
    fi
    wespk report "$exp" > /dev/null
    end_stage
  fi
  [ "${stop_stage:-8}" -lt 8 ] || cat "$exp/report/table.txt"
}
