#!/usr/bin/env bash
# Speaker verification on AISHELL-1 (Mandarin, 16 kHz): 340 speakers train, 40 tune and 20 test.
#
#   bash run.sh --corpus DIR                    packed by speaker or unpacked; without --corpus, 15.6 GB are downloaded
#   bash run.sh --stage 3 --stop_stage 5        train, average, extract
#   bash run.sh --config conf/resnet34.yaml     another network; its results go to exp/resnet34
set -euo pipefail
cd "$(dirname "$0")"
. ./path.sh
. ./cmd.sh

stage=                    # first stage to run, whatever its state; without it, only what is out of date
stop_stage=8              # last stage to run
corpus=                   # folder of AISHELL-1 (that of data_aishell); without it, it is downloaded
allow_partial=false       # use what there is of the corpus; the trial lists are then not the usual ones
num_enrol=3               # enrolment utterances of a speaker in the lists dev and test
pairs_per_speaker=50      # utterances of a test speaker in the list test_pairs, where one enrols
data=data                 # folder of the data directories
features=fbank            # kind of features; conf/KIND.conf says how they are computed
augment=                  # augmented copies to train on too: "speed reverb noise music babble telephone ..."
musan=                    # folder with noise/, music/ and speech/, for noise, music and babble
rirs=                     # folder of room impulse responses for reverb (default: simulated rooms)
config=conf/ecapa.yaml    # the network and its training
exp=                      # folder of the experiment (default: exp/NAME of conf/NAME.yaml)
set=                      # a training setting to override, as in --set optim.lr=0.001; may be repeated
nj=8                      # jobs side by side for features and embeddings
nproc=1                   # training processes of a machine: one for each GPU
nnodes=1                  # machines that train together, on a cluster
average=10                # epochs whose weights are averaged
extract_opts=             # options of wespk extract, such as "--bf16 --chunk-duration 30"
lda_dim=128               # dimensions that LDA keeps for PLDA; none: PLDA without LDA
adapt=coral-plus          # how PLDA is adapted to the dev embeddings, unlabelled: coral-plus or unsupervised
top_k=100                 # nearest cohort speakers for AS-norm, of 340
by_epoch=true             # draw the EER of the kept epochs on the dev trials: extracts dev by each of them
help_message="Usage: bash run.sh [options]    speaker verification on AISHELL-1"
. "$WESPK_ROOT/tools/parse_options.sh"
. "$WESPK_ROOT/tools/recipe.sh"

record=$data/corpus.json
lists="dev test test_pairs"

if begin_stage 0 "corpus" --out "$data/corpus.json" --in local/*.py --set "$corpus $allow_partial"; then
  python3 local/get_corpus.py ${corpus:+--corpus "$corpus"} --allow-partial "$allow_partial" "$data"
  end_stage
fi

if begin_stage 1 "data directories and trials" --out "$data"/{train,dev,test}/utt2spk "$data/test/trials" \
    --in "$data/corpus.json" local/*.py --set "num_enrol=$num_enrol pairs_per_speaker=$pairs_per_speaker"; then
  python3 local/prepare.py "$data"
  wespk validate-data --disjoint "$data"/{train,dev,test}
  wespk validate-data --audio "$data"/{dev,test}            # of train, stage 2 lists what cannot be decoded
  wespk make-trials --num-enrol "$num_enrol" "$data/dev"
  wespk make-trials --num-enrol "$num_enrol" "$data/test"   # Kaldi's form: 7116 targets of 142,320 trials
  wespk make-trials --utts-per-speaker "$pairs_per_speaker" --suffix _pairs "$data/test"
  end_stage
fi

features_stage        # 2: feats.scp of each set, by conf/$features.conf
training_stage        # 3: the network of $config, into $exp/checkpoints
averaging_stage       # 4: $exp/final, the model directory
embeddings_stage      # 5: $exp/embeddings/SET/xvector.scp
scores_stage          # 6: cosine, cosine with the mean subtracted, LDA and PLDA, adapted PLDA
normalisation_stage   # 7: AS-norm; calibration, fusion and thresholds from the dev trials
report_stage          # 8: $exp/report
