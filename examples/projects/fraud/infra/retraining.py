"""What makes a new model: alarms on drift, and the first day of each quarter, start handlers/alarm.py."""

from importlib.metadata import version

from serving import config, live, prefix, root
from watch import quality

from fogbank.components import Drift, Retraining, Training

# AWS's own image of scikit-learn, which the stack on AWS names; the local cloud runs the script by the scikit-learn that is here.
release, _, patch = version("scikit-learn").rpartition(".")
here = f"683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:{release}-{patch}-cpu-py3"

training = Training(
    image=config.get("trainingImage") or here,
    program="retrain.py",
    files={
        "retrain.py": root / "model" / "retrain.py",
        "model": root / "model",
        "requirements.txt": root / "model" / "requirements.txt",
    },
)
retraining = Retraining(
    "retraining",
    endpoint=live,
    training=training,
    handler=root / "handlers" / "alarm.py",
    drift=Drift(monitor=quality, columns=["amount", "distance_km", "attempts"], threshold=0.2),
    schedule="cron(0 3 1 1,4,7,10 ? *)",
    group=prefix,
    answer=-2,  # the answers are `fraud,probability`
    margin=0.01,
)
