// tfjs-node's backend as it is (its source is included), seen by the recorder, and the calls by which JavaScript records.
#include "backend.h"

#include <memory>

#include "recorder.h"

#define TFE_Execute resdet::Execute
#define TFE_NewTensorHandle resdet::NewTensorHandle
#define TFE_TensorHandleCopyToDevice resdet::CopyToDevice
#define TFE_TensorHandleResolve resdet::Resolve
#include "binding/tfjs_backend.cc"

namespace resdet {

namespace {

using tfnodejs::TFJSBackend;

/** An explicit instantiation may name private members: so tfjs's class stays as it is. */
template <typename Tag, typename Tag::Member member>
struct Expose {
  friend typename Tag::Member Get(Tag) { return member; }
};
struct ContextTag {
  using Member = TFE_Context* TFJSBackend::*;
  friend Member Get(ContextTag);
};
struct HandlesTag {
  using Member = std::unordered_map<int32_t, TFE_TensorHandle*> TFJSBackend::*;
  friend Member Get(HandlesTag);
};
template struct Expose<ContextTag, &TFJSBackend::tfe_context_>;
template struct Expose<HandlesTag, &TFJSBackend::tfe_handle_map_>;

struct InfoTag {
  using Member = napi_value (TFJSBackend::*)(napi_env, TFE_TensorHandle*);
  friend Member Get(InfoTag);
};
struct DeviceTag {
  using Member = std::string TFJSBackend::*;
  friend Member Get(DeviceTag);
};
template struct Expose<InfoTag, &TFJSBackend::GenerateOutputTensorInfo>;
template struct Expose<DeviceTag, &TFJSBackend::device_name>;

struct Status {
  TF_Status* const status = TF_NewStatus();
  ~Status() { TF_DeleteStatus(status); }
  /** Throws in JavaScript what has failed. */
  void Report(napi_env env) const {
    if (TF_GetCode(status) != TF_OK) napi_throw_error(env, nullptr, TF_Message(status));
  }
};

TFJSBackend* Backend(napi_env env) {
  void* backend = nullptr;
  napi_get_instance_data(env, &backend);
  return static_cast<TFJSBackend*>(backend);
}

}  // namespace

std::vector<napi_value> Arguments(napi_env env, napi_callback_info info, size_t count) {
  std::vector<napi_value> values(count);
  napi_get_cb_info(env, info, &count, values.data(), nullptr, nullptr);
  return values;
}

std::string Text(napi_env env, napi_value value) {
  std::string text;
  tfnodejs::GetStringParam(env, value, text);
  return text;
}

TFE_Context* Context(napi_env env) { return Backend(env)->*Get(ContextTag()); }

std::vector<TFE_TensorHandle*> Handles(napi_env env, napi_value ids) {
  const auto& all = Backend(env)->*Get(HandlesTag());
  uint32_t count = 0;
  napi_get_array_length(env, ids, &count);
  std::vector<TFE_TensorHandle*> handles(count);
  for (uint32_t i = 0; i < count; i++) {
    napi_value element;
    int32_t id = 0;
    napi_get_element(env, ids, i, &element);
    napi_get_value_int32(env, element, &id);
    const auto found = all.find(id);
    handles[i] = found == all.end() ? nullptr : found->second;
  }
  return handles;
}

napi_value Describe(napi_env env, TFE_TensorHandle* tensor) { return (Backend(env)->*Get(InfoTag()))(env, tensor); }

void RenameDevice(napi_env env, const std::string& task) {
  std::string& device = Backend(env)->*Get(DeviceTag());
  device = task + device.substr(device.find("/device:"));
}

napi_property_descriptor Method(const char* name, napi_callback call) {
  return {name, nullptr, call, nullptr, nullptr, nullptr, napi_default, nullptr};
}

namespace {

thread_local std::unique_ptr<Recording> recording;

/** beginRecording(ids of the tensors that may be read) */
napi_value BeginRecording(napi_env env, napi_callback_info info) {
  recording.reset();
  recording = std::make_unique<Recording>(Handles(env, Arguments(env, info, 1)[0]));
  return nullptr;
}

/** cancelRecording() */
napi_value CancelRecording(napi_env, napi_callback_info) {
  recording.reset();
  return nullptr;
}

/** endRecording(name, ids of the results, optimizer settings) -> which of the tensors that may be read are arguments */
napi_value EndRecording(napi_env env, napi_callback_info info) {
  if (!recording) return napi_throw_error(env, nullptr, "nothing is being recorded"), nullptr;
  const auto arguments = Arguments(env, info, 3);
  const std::string name = Text(env, arguments[0]);
  const std::unique_ptr<Recording> ended = std::move(recording);
  const Status status;
  const auto used = ended->Finish(Context(env), name, Handles(env, arguments[1]), status.status);
  if (TF_GetCode(status.status) != TF_OK) return status.Report(env), nullptr;
  void* settings = nullptr;
  size_t length = 0;
  napi_get_typedarray_info(env, arguments[2], nullptr, &length, &settings, nullptr, nullptr);
  if (length > 0) optimizer_settings[name] = std::string(static_cast<const char*>(settings), length);
  napi_value indices;
  napi_create_array_with_length(env, used.size(), &indices);
  for (size_t i = 0; i < used.size(); i++) {
    napi_value index;
    napi_create_uint32(env, used[i], &index);
    napi_set_element(env, indices, i, index);
  }
  return indices;
}

/** removeRecording(name) */
napi_value RemoveRecording(napi_env env, napi_callback_info info) {
  const std::string name = Text(env, Arguments(env, info, 1)[0]);
  optimizer_settings.erase(name);
  const Status status;
  TFE_ContextRemoveFunction(Context(env), name.c_str(), status.status);
  status.Report(env);
  return nullptr;
}

}  // namespace

std::vector<napi_property_descriptor> RecorderMethods() {
  return {Method("beginRecording", BeginRecording), Method("cancelRecording", CancelRecording),
          Method("endRecording", EndRecording), Method("removeRecording", RemoveRecording)};
}

}  // namespace resdet
