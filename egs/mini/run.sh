#!/usr/bin/env bash
# Speaker verification on a corpus that it makes itself: 64 made-up voices train, 12 tune and 24 test.
#
#   bash run.sh                                 runs what is out of date, from the corpus to the report
#   bash run.sh --stage 3 --stop_stage 5        train, average, extract
#   bash run.sh --set epochs=5 --exp exp/short  another setting; its results go to exp/short
set -euo pipefail
cd "$(dirname "$0")"
. ./path.sh
. ./cmd.sh

stage=                    # first stage to run, whatever its state; without it, only what is out of date
stop_stage=8              # last stage to run
corpus=corpus             # folder of the generated corpus
num_train=64              # training voices
num_dev=12                # voices for thresholds, calibration and all choices
num_test=24               # test voices
data=data                 # folder of the data directories
features=fbank            # kind of features; conf/KIND.conf says how they are computed
augment=                  # augmented copies to train on too: "speed reverb noise music babble telephone ..."
musan=                    # folder with noise/, music/ and speech/, for noise, music and babble
rirs=                     # folder of room impulse responses for reverb (default: simulated rooms)
config=conf/ecapa.yaml    # the network and its training
exp=                      # folder of the experiment (default: exp/NAME of conf/NAME.yaml)
set=                      # a training setting to override, as in --set optim.lr=0.001; may be repeated
nj=2                      # jobs side by side for the corpus, features and embeddings
nproc=1                   # training processes of a machine: one for each GPU
nnodes=1                  # machines that train together, on a cluster
average=5                 # epochs whose weights are averaged
extract_opts=             # options of wespk extract, such as "--bf16 --chunk-duration 30"
lda_dim=40                # dimensions that LDA keeps for PLDA; none: PLDA without LDA
adapt=coral-plus          # how PLDA is adapted to the dev embeddings, unlabelled: coral-plus or unsupervised
top_k=30                  # nearest cohort speakers for AS-norm, of 64
by_epoch=true             # draw the EER of the kept epochs on the dev trials: extracts dev by each of them
help_message="Usage: bash run.sh [options]    speaker verification on a generated corpus"
. "$WESPK_ROOT/tools/parse_options.sh"
. "$WESPK_ROOT/tools/recipe.sh"

record=$corpus/manifest.json
lists="dev test test_3"   # test_3: each speaker enrolled from 3 utterances

if begin_stage 0 "corpus" --out "$corpus/manifest.json" --in local/*.py \
    --set "num_train=$num_train num_dev=$num_dev num_test=$num_test"; then
  python3 local/make_corpus.py --out "$corpus" --nj "$nj" \
    --num_train "$num_train" --num_dev "$num_dev" --num_test "$num_test"
  end_stage
fi

if begin_stage 1 "data directories and trials" --out "$data"/{train,dev,test}/utt2spk "$data/test/trials" \
    --in "$corpus/manifest.json"; then
  python3 local/prepare.py "$corpus" "$data"
  wespk validate-data --audio --disjoint "$data"/{train,dev,test}
  wespk make-trials "$data/dev"
  wespk make-trials "$data/test"
  wespk make-trials --num-enrol 3 --suffix _3 "$data/test"
  end_stage
fi

features_stage        # 2: feats.scp of each set, by conf/$features.conf
training_stage        # 3: the network of $config, into $exp/checkpoints
averaging_stage       # 4: $exp/final, the model directory
embeddings_stage      # 5: $exp/embeddings/SET/xvector.scp
scores_stage          # 6: cosine, cosine with the mean subtracted, LDA and PLDA, adapted PLDA
normalisation_stage   # 7: AS-norm; calibration, fusion and thresholds from the dev trials
report_stage          # 8: $exp/report
