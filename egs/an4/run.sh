#!/usr/bin/env bash
# Speaker verification on AN4: of 64 speakers 36 train, 12 tune (one fold of 48) and 16 test.
#
#   bash run.sh --corpus DIR                    runs what is out of date; without --corpus, AN4 is downloaded
#   bash run.sh --stage 3 --stop_stage 5        train, average, extract
#   bash run.sh --config conf/resnet34.yaml     another network; its results go to exp/resnet34
set -euo pipefail
cd "$(dirname "$0")"
. ./path.sh
. ./cmd.sh

stage=                    # first stage to run, whatever its state; without it, only what is out of date
stop_stage=8              # last stage to run
corpus=data/download      # folder of AN4, in any layout; the default is downloaded when it is missing
fold=1                    # which fold of the 48 training speakers is for development (give --data, --exp too)
data=data                 # folder of the data directories
config=conf/ecapa.yaml    # the network and its training
exp=                      # folder of the experiment (default: exp/NAME of conf/NAME.yaml)
set=                      # a training setting to override, as in --set optim.lr=0.001; may be repeated
nj=2                      # jobs side by side for features and embeddings
nproc=1                   # training processes: one for each GPU
average=5                 # epochs whose weights are averaged
top_k=20                  # nearest cohort speakers for AS-norm, of 36
help_message="Usage: bash run.sh [options]    speaker verification on AN4"
. "$WESPK_ROOT/tools/parse_options.sh"
. "$WESPK_ROOT/tools/stages.sh"
. "$WESPK_ROOT/tools/steps.sh"

exp=${exp:-exp/$(basename "$config" .yaml)}
mean=$exp/final/mean.vec
cohort=$exp/embeddings/train/xvector.scp
lists="dev test test_3"   # test_3: each speaker enrolled from 3 utterances
systems="cosine cosine_mean plda asnorm"
embeddings=("$exp"/embeddings/{train,dev,test}/xvector.json)
scores=("$exp"/scores/{dev,test,test_3}.{cosine,cosine_mean,plda}.score)
calibrated=("$exp"/scores/{dev,test,test_3}.{cosine,cosine_mean,plda,asnorm}.llr)

if begin_stage 0 "corpus" --out "$data/corpus.json" --set "$corpus"; then
  python3 local/get_corpus.py "$corpus" "$data/corpus.json"
  end_stage
fi

if begin_stage 1 "data directories and trials" --out "$data"/{train,dev,test}/utt2spk "$data/test/trials" \
    --in "$data/corpus.json" local/speakers.tsv --set "fold=$fold"; then
  python3 local/prepare.py --fold "$fold" "$corpus" "$data"
  wespk validate-data --audio --disjoint "$data"/{train,dev,test}
  wespk make-trials --apart mdcs,mdcs2 "$data/dev"        # these two could be one person
  wespk make-trials --apart mdcs,mdcs2 "$data/test"
  wespk make-trials --num-enrol 3 --suffix _3 "$data/test"
  end_stage
fi

if begin_stage 2 "features" --out "$data"/{train,dev,test}/feats.scp \
    --in conf/fbank.conf "$data/corpus.json" "$data"/{train,dev,test}/{wav.scp,utt2spk}; then
  make_features "$nj" conf/fbank.conf "$data"/{train,dev,test}
  end_stage
fi

if begin_stage 3 "training" --out "$exp/checkpoints/last.pt" \
    --in "$config" "$data"/train/{feats.json,utt2spk} --set "$set"; then
  train_network "$nproc" "$config" "$set" "$data/train" "$exp"
  end_stage
fi

if begin_stage 4 "model averaging" --out "$exp/final/model.safetensors" \
    --in "$exp/checkpoints/last.pt" --set "average=$average"; then
  wespk average-models --last "$average" "$exp" "$exp/final"
  end_stage
fi

if begin_stage 5 "embeddings" --out "${embeddings[@]}" "$mean" \
    --in "$exp/final/model.safetensors" "$data"/{train,dev,test}/feats.json; then
  extract_embeddings "$nj" "$data" "$exp" train dev test
  wespk compute-mean "$cohort" "$mean"
  end_stage
fi

if begin_stage 6 "cosine and PLDA scores" --out "${scores[@]}" "$exp/final/plda" \
    --in "${embeddings[@]}" "$data"/{dev,test}/{trials*,enrol*}; then
  wespk train-plda --mean "$mean" "$cohort" "$data/train/utt2spk" "$exp/final/plda"
  for_each_list "$data" "$exp" "$lists" cosine wespk score-cosine
  for_each_list "$data" "$exp" "$lists" cosine_mean wespk score-cosine --mean "$mean"
  for_each_list "$data" "$exp" "$lists" plda wespk score-plda --mean "$mean" --plda "$exp/final/plda"
  end_stage
fi

if begin_stage 7 "score normalisation and calibration" --out "${calibrated[@]}" \
    "$exp/final/calibration.json" --in "${scores[@]}" "${embeddings[@]}" --set "top_k=$top_k"; then
  for_each_list "$data" "$exp" "$lists" asnorm wespk normalise-scores --mean "$mean" \
    --cohort "$cohort" --cohort-utt2spk "$data/train/utt2spk" --top-k "$top_k"
  calibrate_lists "$data" "$exp" "$lists" "$systems"
  end_stage
fi

if begin_stage 8 "report" --out "$exp/report/index.html" \
    --in "${calibrated[@]}" "$exp"/{final/calibration.json,history.json}; then
  evaluate_lists "$data" "$exp" "$lists" "$systems"
  wespk report "$exp" > /dev/null
  end_stage
fi
[ "$stop_stage" -lt 8 ] || cat "$exp/report/table.txt"
