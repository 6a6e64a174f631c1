import * as ort from "onnxruntime-web/webgpu"
import { serveDetector } from "resdet/web"

serveDetector(ort)
