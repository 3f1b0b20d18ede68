"""Training, evaluation and export of the Tiny Recursive Models that trm_node runs.

From a config to a bundle:

    make train BUNDLE=nav_d32     goes on from models/runs/nav_d32/checkpoint.pt through the stages that the config has
                                  beyond it, or starts when there is none; FRESH=1 starts anew
    make evaluate BUNDLE=nav_d32  share of solved windows by step, as tables
    make bundle BUNDLE=nav_d32    evaluates, and writes models/bundles/nav_d32: graphs, manifest, figures of its card
    make golden BUNDLE=nav_d32    writes tests/golden/nav_d32_*: what the Rust side is compared with
    make test-models              the tests of this package, some seconds

In the order of the data flow:

- `worlds`    generated worlds, exact costs-to-go, labels of a window (numba)
- `realmaps`  map_server files as worlds: inflated by a robot's radius, pooled
- `data`      samples cut from both, the model's input channels, windows that move and worlds that change
- `model`     the network: encode, net, decode, and the recursion over them
- `losses`    the progressive target: after step k the field is known within k times the reach of the goal
- `train`     deep supervision with carried states, EMA, checkpoints, a log
- `evaluate`  roll-outs by step, cold and warm, with Wilson intervals
- `export`    three ONNX graphs and the manifest; `card` its tables; `golden` the files for the Rust tests

A new model is a new file in models/configs; its weights go on from an older one's through `init`.
"""
