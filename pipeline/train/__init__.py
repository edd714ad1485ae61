"""From what `publish` has written to a fine-tuned model, and classifiers of messages.

plan(task) -> TrainingPlan                     rows, tokens, steps, memory, time (plan.py)
train(plan, progress, notice) -> TrainingResult    over TRL and peft (training.py)
export(task, tool) -> Exported                 what another trainer reads (export.py)
train_annotations(rows, out) -> classifiers    from labelled rows (annotations/)

`trainer.py` and `held_out.py` import torch, and nothing else does.
"""
