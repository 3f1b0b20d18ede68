"""Training and export of the Tiny Recursive Models that trm_node runs.

From a config to a bundle:

    make train BUNDLE=nav_d32     goes on from models/runs/nav_d32/checkpoint.pt through the stages that the config has
                                  beyond it, or starts when there is none; FRESH=1 starts anew
    make bundle BUNDLE=nav_d32    writes models/bundles/nav_d32: graphs, manifest; and the curves of the training
    make golden BUNDLE=nav_d32    writes tests/golden/nav_d32_*: what the Rust side is compared with
    make ablations                what each part of the recipe buys: short trainings that differ in one thing each
    make test-models              the tests of this package, some seconds

In the order of the data flow:

- `worlds`    generated worlds, exact costs-to-go, labels of a window (numba)
- `realmaps`  map_server files as worlds: inflated by a robot's radius, pooled
- `data`      samples cut from both, the model's input channels, windows that move and worlds that change
- `draws`     samples that are drawn in processes of their own
- `model`     the network: encode, net, decode, and the recursion over them
- `losses`    the progressive target: after step k the field is known within k times the reach of the goal; and states that rest
- `slots`     a batch of windows, each at its own step
- `train`     deep supervision with carried states, EMA, checkpoints, a log; `parallel` in several processes
- `curves`    the log as a picture
- `evaluate`  roll-outs by step, for the log and for `ablate`; a bundle's figures come from `trm eval`, in Rust
- `ablate`    the variants of configs/ablations.yaml, trained for the same processor time
- `bundle`    writes three ONNX graphs and the manifest, once they compute what PyTorch does
- `export`    the graphs of trained weights; `golden` the files for the Rust tests
- `router`    the classifier that picks one of several bundles for a window
- `card`      the tables of what `make eval` measured, in the bundle's card

TRM-Att and TRM-MLP as published, for configs with `task: mazes`:

- `official`          the networks, and how the planner's window becomes their maze and their path its field
- `mazes`             generated mazes of tokens and their paths; `maze_slots` a batch of them
- `maze_bundle`       their bundles
- `convert_official`  bundles of published checkpoints

A new model is a new file in models/configs; its weights go on from an older one's through `init`.
"""
