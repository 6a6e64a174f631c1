// What several processes do together: they join by TensorFlow's own servers, add up tensors, and tell each other bytes. Every
// call that waits for others runs beside JavaScript's thread and gives a promise.
#include "collectives.h"

#include <unistd.h>

#include <cstring>
#include <memory>
#include <string>

#include "loopback.h"
#include "signals.h"
#include "tensorflow/c/c_api.h"
#include "tensorflow/c/c_api_experimental.h"
#include "tensorflow/c/eager/c_api.h"

namespace resdet {

namespace {

/** Collectives on the network's device and those of bytes, which stay on the processor, are two groups for TensorFlow. */
enum Group : int32_t { kTensors = 1, kBytes = 2 };

/** Of this process among those that it has joined, such as `/job:worker/replica:0/task:1`; TensorFlow's context is one a process. */
std::string own_task;

/** One call on its way: what it needs, and what came of it. */
struct Work {
  napi_async_work handle = nullptr;
  napi_deferred promise = nullptr;
  TFE_Context* context = nullptr;
  TF_Status* const status = TF_NewStatus();
  void (*run)(Work*) = nullptr;
  napi_value (*result)(napi_env, Work*) = nullptr;

  /** For `joinCluster`. */
  std::string server, task;

  /** For collectives. Inputs are references of its own, so that JavaScript may dispose of its tensors meanwhile. */
  std::vector<TFE_TensorHandle*> inputs, outputs;
  const char* op = "CollectiveReduceV2";
  Group group = kTensors;
  int32_t size = 0, key = 0;
  double seconds = 0;
  std::string hint = "auto";

  ~Work() {
    for (auto* input : inputs) TFE_DeleteTensorHandle(input);
    for (auto* output : outputs) TFE_DeleteTensorHandle(output);
    TF_DeleteStatus(status);
  }
  bool failed() const { return TF_GetCode(status) != TF_OK; }
};

void Execute(napi_env, void* data) {
  // Threads that compute take no signals, nor do those that TensorFlow makes here.
  SignalsHeld held;
  auto* work = static_cast<Work*>(data);
  work->run(work);
}

void Complete(napi_env env, napi_status, void* data) {
  const std::unique_ptr<Work> work(static_cast<Work*>(data));
  napi_delete_async_work(env, work->handle);
  if (!work->failed()) {
    napi_resolve_deferred(env, work->promise, work->result(env, work.get()));
    return;
  }
  napi_value code, message, error;
  napi_create_string_utf8(env, std::to_string(TF_GetCode(work->status)).c_str(), NAPI_AUTO_LENGTH, &code);
  napi_create_string_utf8(env, TF_Message(work->status), NAPI_AUTO_LENGTH, &message);
  napi_create_error(env, code, message, &error);
  napi_reject_deferred(env, work->promise, error);
}

napi_value Queue(napi_env env, std::unique_ptr<Work> work) {
  napi_value promise, name;
  work->context = Context(env);
  napi_create_promise(env, &work->promise, &promise);
  napi_create_string_utf8(env, "resdet collective", NAPI_AUTO_LENGTH, &name);
  Work* queued = work.release();
  napi_create_async_work(env, nullptr, name, Execute, Complete, queued, &queued->handle);
  napi_queue_async_work(env, queued->handle);
  return promise;
}

napi_value Undefined(napi_env env) {
  napi_value value;
  napi_get_undefined(env, &value);
  return value;
}

int32_t Whole(napi_env env, napi_value value) {
  int32_t number = 0;
  napi_get_value_int32(env, value, &number);
  return number;
}

/** joinCluster(serialized ServerDef, task, whether the port is for this machine alone) -> promise */
napi_value JoinCluster(napi_env env, napi_callback_info info) {
  const auto arguments = Arguments(env, info, 3);
  auto work = std::make_unique<Work>();
  void* server = nullptr;
  size_t length = 0;
  napi_get_typedarray_info(env, arguments[0], nullptr, &length, &server, nullptr, nullptr);
  work->server.assign(static_cast<const char*>(server), length);
  work->task = Text(env, arguments[1]);
  bool is_local = true;
  napi_get_value_bool(env, arguments[2], &is_local);
  if (is_local && !KeepToLoopback("libtensorflow")) {
    return napi_throw_error(env, nullptr, "this build of TensorFlow cannot keep its port to this machine"), nullptr;
  }
  work->run = [](Work* joining) {
    TFE_EnableCollectiveOps(joining->context, joining->server.data(), joining->server.size(), joining->status);
  };
  work->result = [](napi_env env, Work* joined) {
    own_task = joined->task;
    RenameDevice(env, own_task);
    return Undefined(env);
  };
  return Queue(env, std::move(work));
}

TFE_TensorHandle* Words(const void* words, int64_t count, bool is_scalar, TF_Status* status) {
  TF_Tensor* tensor = TF_AllocateTensor(TF_INT32, &count, is_scalar ? 0 : 1, count * sizeof(int32_t));
  std::memcpy(TF_TensorData(tensor), words, count * sizeof(int32_t));
  TFE_TensorHandle* handle = TFE_NewTensorHandle(tensor, status);
  TF_DeleteTensor(tensor);
  return handle;
}

TFE_TensorHandle* Scalar(int32_t value, TF_Status* status) { return Words(&value, 1, true, status); }

/** One input after the other: in the same order in every process, as NCCL demands. */
void RunCollectives(Work* work) {
  for (size_t i = 0; i < work->inputs.size() && !work->failed(); i++) {
    TF_Status* status = work->status;
    const std::unique_ptr<TFE_Op, void (*)(TFE_Op*)> op(TFE_NewOp(work->context, work->op, status), TFE_DeleteOp);
    if (work->failed()) return;
    if (work->group == kBytes) TFE_OpSetDevice(op.get(), (own_task + "/device:CPU:0").c_str(), status);
    TFE_OpAddInput(op.get(), work->inputs[i], status);
    for (int32_t value : {work->size, static_cast<int32_t>(work->group), work->key + static_cast<int32_t>(i)}) {
      TFE_TensorHandle* scalar = Scalar(value, status);
      TFE_OpAddInput(op.get(), scalar, status);
      TFE_DeleteTensorHandle(scalar);
    }
    TFE_OpSetAttrType(op.get(), "T", TFE_TensorHandleDataType(work->inputs[i]));
    if (!std::strcmp(work->op, "CollectiveReduceV2")) {
      TFE_OpSetAttrString(op.get(), "merge_op", "Add", 3);
      TFE_OpSetAttrString(op.get(), "final_op", "Id", 2);
    }
    TFE_OpSetAttrString(op.get(), "communication_hint", work->hint.data(), work->hint.size());
    TFE_OpSetAttrFloat(op.get(), "timeout_seconds", static_cast<float>(work->seconds));
    TFE_OpSetAttrInt(op.get(), "Nordering_token", 0);
    if (work->failed()) return;
    TFE_TensorHandle* output = nullptr;
    int count = 1;
    TFE_Execute(op.get(), &output, &count, status);
    if (!work->failed()) work->outputs.push_back(output);
  }
}

/** addTensors(ids, processes, key of the first, seconds, hint) -> promise of what tfjs knows tensors by: their sums */
napi_value AddTensors(napi_env env, napi_callback_info info) {
  const auto arguments = Arguments(env, info, 5);
  auto work = std::make_unique<Work>();
  for (TFE_TensorHandle* handle : Handles(env, arguments[0])) {
    if (!handle) return napi_throw_error(env, nullptr, "addTensors: no such tensor"), nullptr;
    work->inputs.push_back(TFE_TensorHandleCopySharingTensor(handle, work->status));
  }
  work->size = Whole(env, arguments[1]);
  work->key = Whole(env, arguments[2]);
  napi_get_value_double(env, arguments[3], &work->seconds);
  work->hint = Text(env, arguments[4]);
  work->run = RunCollectives;
  work->result = [](napi_env env, Work* done) {
    napi_value list;
    napi_create_array_with_length(env, done->outputs.size(), &list);
    for (size_t i = 0; i < done->outputs.size(); i++) napi_set_element(env, list, i, Describe(env, done->outputs[i]));
    done->outputs.clear();  // They are tfjs's now.
    return list;
  };
  return Queue(env, std::move(work));
}

/**
 * exchangeWords(Int32Array, "gather" or "add", processes, key, seconds) -> promise of an Int32Array: those of all processes,
 * one behind the other, or their sums. All give as many.
 */
napi_value ExchangeWords(napi_env env, napi_callback_info info) {
  const auto arguments = Arguments(env, info, 5);
  auto work = std::make_unique<Work>();
  void* words = nullptr;
  size_t count = 0;
  napi_get_typedarray_info(env, arguments[0], nullptr, &count, &words, nullptr, nullptr);
  work->inputs.push_back(Words(words, count, false, work->status));
  if (Text(env, arguments[1]) == "gather") work->op = "CollectiveGatherV2";
  work->group = kBytes;
  work->size = Whole(env, arguments[2]);
  work->key = Whole(env, arguments[3]);
  napi_get_value_double(env, arguments[4], &work->seconds);
  work->run = RunCollectives;
  work->result = [](napi_env env, Work* done) {
    TF_Tensor* tensor = TFE_TensorHandleResolve(done->outputs[0], done->status);
    if (!tensor) return Undefined(env);
    const size_t bytes = TF_TensorByteSize(tensor);
    void* data = nullptr;
    napi_value buffer, words;
    napi_create_arraybuffer(env, bytes, &data, &buffer);
    std::memcpy(data, TF_TensorData(tensor), bytes);
    TF_DeleteTensor(tensor);
    napi_create_typedarray(env, napi_int32_array, bytes / sizeof(int32_t), buffer, 0, &words);
    return words;
  };
  return Queue(env, std::move(work));
}

/** endProcess(exit code): at once. Node's own exit waits for its threads, of which one may wait for other processes. */
napi_value EndProcess(napi_env env, napi_callback_info info) { _exit(Whole(env, Arguments(env, info, 1)[0])); }

}  // namespace

std::vector<napi_property_descriptor> CollectiveMethods() {
  return {Method("endProcess", EndProcess), Method("joinCluster", JoinCluster), Method("addTensors", AddTensors), Method("exchangeWords", ExchangeWords)};
}

}  // namespace resdet
