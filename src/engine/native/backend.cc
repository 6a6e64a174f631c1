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

/** The last recording is the one that goes on, unless it pauses. */
void ChooseCurrent() {
  Recording::current = recordings.empty() || recordings.back()->paused() ? nullptr : recordings.back().get();
}

napi_value Numbers(napi_env env, const std::vector<int32_t>& values) {
  napi_value list;
  napi_create_array_with_length(env, values.size(), &list);
  for (size_t i = 0; i < values.size(); i++) {
    napi_value value;
    napi_create_int32(env, values[i], &value);
    napi_set_element(env, list, i, value);
  }
  return list;
}

/** beginRecording(ids of the tensors that may be read, whether products are rounded to bfloat16, whether shapes are told) */
napi_value BeginRecording(napi_env env, napi_callback_info info) {
  if (Recording::current) return napi_throw_error(env, nullptr, "a recording is going on"), nullptr;
  const auto arguments = Arguments(env, info, 3);
  bool rounds = false, shapes = false;
  napi_get_value_bool(env, arguments[1], &rounds);
  napi_get_value_bool(env, arguments[2], &shapes);
  recordings.push_back(std::make_unique<Recording>(Handles(env, arguments[0]), rounds, shapes));
  ChooseCurrent();
  return nullptr;
}

/** pauseRecording(ids of the results of the part that ends) */
napi_value PauseRecording(napi_env env, napi_callback_info info) {
  if (!Recording::current) return napi_throw_error(env, nullptr, "nothing is being recorded"), nullptr;
  Recording::current->Pause(Handles(env, Arguments(env, info, 1)[0]));
  ChooseCurrent();
  return nullptr;
}

/** resumeRecording(ids of more tensors that may be read) */
napi_value ResumeRecording(napi_env env, napi_callback_info info) {
  if (recordings.empty() || Recording::current) return napi_throw_error(env, nullptr, "no recording pauses"), nullptr;
  recordings.back()->Resume(Handles(env, Arguments(env, info, 1)[0]));
  ChooseCurrent();
  return nullptr;
}

/** cancelRecording() */
napi_value CancelRecording(napi_env, napi_callback_info) {
  if (!recordings.empty()) recordings.pop_back();
  ChooseCurrent();
  return nullptr;
}

/**
 * endRecording(names of the parts, ids of the last one's results, optimizer settings) -> of each part: the numbers of its
 * arguments, those of the values that it keeps, how many nodes it has
 */
napi_value EndRecording(napi_env env, napi_callback_info info) {
  if (!Recording::current) return napi_throw_error(env, nullptr, "nothing is being recorded"), nullptr;
  const auto arguments = Arguments(env, info, 3);
  std::vector<std::string> names;
  uint32_t count = 0;
  napi_get_array_length(env, arguments[0], &count);
  for (uint32_t i = 0; i < count; i++) {
    napi_value name;
    napi_get_element(env, arguments[0], i, &name);
    names.push_back(Text(env, name));
  }
  const std::unique_ptr<Recording> ended = std::move(recordings.back());
  recordings.pop_back();
  ChooseCurrent();
  const Status status;
  const auto functions = ended->Finish(Context(env), names, Handles(env, arguments[1]), status.status);
  if (TF_GetCode(status.status) != TF_OK) return status.Report(env), nullptr;
  void* settings = nullptr;
  size_t length = 0;
  napi_get_typedarray_info(env, arguments[2], nullptr, &length, &settings, nullptr, nullptr);
  for (const std::string& name : names) {
    if (length > 0) optimizer_settings[name] = std::string(static_cast<const char*>(settings), length);
  }
  napi_value parts;
  napi_create_array_with_length(env, functions.size(), &parts);
  for (size_t i = 0; i < functions.size(); i++) {
    napi_value part, nodes;
    napi_create_array_with_length(env, 3, &part);
    napi_create_uint32(env, functions[i].nodes, &nodes);
    napi_set_element(env, part, 0, Numbers(env, functions[i].arguments));
    napi_set_element(env, part, 1, Numbers(env, functions[i].kept));
    napi_set_element(env, part, 2, nodes);
    napi_set_element(env, parts, i, part);
  }
  return parts;
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
          Method("pauseRecording", PauseRecording), Method("resumeRecording", ResumeRecording),
          Method("endRecording", EndRecording), Method("removeRecording", RemoveRecording)};
}

}  // namespace resdet
