"""An event file as TensorBoard's own writer makes it, for test/train/event-file.test.ts.

    python3 -m venv /tmp/golden-events && /tmp/golden-events/bin/pip install tensorboard==2.21.0
    /tmp/golden-events/bin/python scripts/golden-events.py test/golden/events.json
"""

import base64
import io
import json
import sys
from importlib.metadata import version

from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.record_writer import RecordWriter


class Kept(io.BytesIO):
    def close(self):
        pass


events = [[20, {"loss": 1.5, "rate": 0.01}], [3_000_000_000, {"val/AP50": 0.25}]]
kept = Kept()
writer = RecordWriter(kept)
writer.write(Event(wall_time=1700000000.5, step=0, file_version="brain.Event:2").SerializeToString())
for step, values in events:
    summary = Summary(value=[Summary.Value(tag=tag, simple_value=value) for tag, value in values.items()])
    writer.write(Event(wall_time=1700000000.5, step=step, summary=summary).SerializeToString())
writer.flush()
made = {"by": "scripts/golden-events.py", "tensorboard": version("tensorboard")}
with open(sys.argv[1], "w") as file:
    json.dump({"made": made, "events": events, "file": base64.b64encode(kept.getvalue()).decode()}, file)
    file.write("\n")
