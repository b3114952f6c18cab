#!/usr/bin/env bash
# Speaker verification and closed-set identification on TIMIT (LDC93S1): 418 speakers train, 44 tune, 168 test.
#
#   bash run.sh --corpus DIR                    your copy, in any shape; TIMIT is licensed and never downloaded
#   bash run.sh --stage 3 --stop_stage 5        train, average, extract
#   bash run.sh --config conf/resnet34.yaml     another network; its results go to exp/resnet34
set -euo pipefail
cd "$(dirname "$0")"
. ./path.sh
. ./cmd.sh

stage=                    # first stage to run, whatever its state; without it, only what is out of date
stop_stage=8              # last stage to run
corpus=                   # folder of TIMIT: upper or lower case, SPHERE or RIFF, TRAIN/DR1/FCJF0 or dr1-fcjf0
allow_partial=false       # use what there is of the corpus; the trial lists are then not the usual ones
target=both               # SV: verification, SI: closed-set identification of the test speakers, or both
num_enrol=3               # SX sentences that enrol a speaker, 1 to 4; the other SX and the SI test
data=data                 # folder of the data directories
features=fbank            # kind of features; conf/KIND.conf says how they are computed
augment=                  # augmented copies to train on too: "speed reverb noise music babble telephone ..."
musan=                    # folder with noise/, music/ and speech/, for noise, music and babble
rirs=                     # folder of room impulse responses for reverb (default: simulated rooms)
config=conf/ecapa.yaml    # the network and its training
exp=                      # folder of the experiment (default: exp/NAME of conf/NAME.yaml)
set=                      # a training setting to override, as in --set optim.lr=0.001; may be repeated
nj=4                      # jobs side by side for features and embeddings
nproc=1                   # training processes of a machine: one for each GPU
nnodes=1                  # machines that train together, on a cluster
average=5                 # epochs whose weights are averaged
extract_opts=             # options of wespk extract, such as "--bf16 --chunk-duration 30"
lda_dim=100               # dimensions that LDA keeps for PLDA; none: PLDA without LDA
adapt=coral-plus          # how PLDA is adapted to the dev embeddings, unlabelled: coral-plus or unsupervised
top_k=100                 # nearest cohort speakers for AS-norm, of 418
by_epoch=true             # draw the EER of the kept epochs on the dev trials: extracts dev by each of them
help_message="Usage: bash run.sh [options]    speaker verification and identification on TIMIT"
. "$WESPK_ROOT/tools/parse_options.sh"
. "$WESPK_ROOT/tools/recipe.sh"

record=$data/corpus.json
lists="dev test"
case $target in
  SV) verified=$lists identified= ;;
  SI) verified='' identified=$lists ;;
  both) verified=$lists identified=$lists ;;
  *) echo "$0: --target $target: choose SV, SI or both" >&2; exit 1 ;;
esac

if begin_stage 0 "corpus" --out "$data/corpus.json" --in local/*.{py,tsv} --set "$corpus $allow_partial"; then
  python3 local/get_corpus.py --corpus "$corpus" --allow-partial "$allow_partial" "$data"
  end_stage
fi

if begin_stage 1 "data directories and trials" --out "$data"/{train,dev,test}/utt2spk "$data/test/trials" \
    --in "$data/corpus.json" local/*.{py,tsv} --set "num_enrol=$num_enrol"; then
  python3 local/prepare.py --num-enrol "$num_enrol" "$data"
  wespk validate-data --audio --disjoint "$data"/{train,dev,test}
  for name in dev test; do   # test: 840 targets of 141,120 trials; DATA/test/same_text flags about 1 %
    wespk make-trials --enrol "$data/local/enrol.$name" --text "$data/$name/utt2sentence" "$data/$name"
  done
  end_stage
fi

features_stage        # 2: feats.scp of each set, by conf/$features.conf
training_stage        # 3: the network of $config, into $exp/checkpoints
averaging_stage       # 4: $exp/final, the model directory
embeddings_stage      # 5: $exp/embeddings/SET/xvector.scp
scores_stage          # 6: cosine, cosine with the mean subtracted, LDA and PLDA, adapted PLDA
normalisation_stage   # 7: AS-norm; calibration, fusion and thresholds from the dev trials
report_stage          # 8: $exp/report
