#include "recorder.h"

#include <cstring>
#include <memory>

#include "tensorflow/c/c_api.h"
#include "tensorflow/c/eager/c_api_experimental.h"

namespace resdet {

thread_local Recording* Recording::current = nullptr;
thread_local std::unordered_map<std::string, std::string> optimizer_settings;
thread_local std::vector<std::unique_ptr<Recording>> recordings;

namespace {

/** A constant of more bytes than this is refused, unless all its values are one: sizes, axes and factors are small, a photo is not. */
constexpr size_t kMostConstantBytes = 1 << 12;

// Protocol buffers, as far as a GraphDef needs them.

void AppendVarint(std::string* to, uint64_t value) {
  for (; value >= 0x80; value >>= 7) to->push_back(static_cast<char>(value | 0x80));
  to->push_back(static_cast<char>(value));
}

std::string NumberField(int field, uint64_t value) {
  std::string bytes;
  AppendVarint(&bytes, field << 3);
  AppendVarint(&bytes, value);
  return bytes;
}

std::string BytesField(int field, const std::string& value) {
  std::string bytes;
  AppendVarint(&bytes, field << 3 | 2);
  AppendVarint(&bytes, value.size());
  return bytes + value;
}

uint64_t ReadVarint(const char** at) {
  uint64_t value = 0;
  for (int shift = 0;; shift += 7) {
    const uint8_t byte = *(*at)++;
    value |= static_cast<uint64_t>(byte & 0x7f) << shift;
    if (byte < 0x80) return value;
  }
}

/** NodeDef.attr */
std::string Attribute(const std::string& name, const std::string& value) {
  return BytesField(5, BytesField(1, name) + BytesField(2, value));
}

std::string TypeAttribute(const std::string& name, TF_DataType type) { return Attribute(name, NumberField(6, type)); }

/** A TensorShapeProto's dimension. */
std::string Dimension(int64_t size) { return BytesField(2, NumberField(1, size)); }

std::string ShapeAttribute(const std::string& name, TFE_TensorHandle* handle) {
  const std::unique_ptr<TF_Status, decltype(&TF_DeleteStatus)> status(TF_NewStatus(), TF_DeleteStatus);
  std::string shape;
  for (int i = 0; i < TFE_TensorHandleNumDims(handle, status.get()); i++) {
    shape += Dimension(TFE_TensorHandleDim(handle, i, status.get()));
  }
  return Attribute(name, BytesField(7, shape));
}

/** Of a tensor with one value throughout, float32 or int32: a TensorProto's field for it; else nothing. */
std::string OnlyValue(const TF_Tensor* values) {
  const TF_DataType type = TF_TensorType(values);
  const size_t bytes = TF_TensorByteSize(values);
  const char* const data = static_cast<const char*>(TF_TensorData(values));
  if ((type != TF_FLOAT && type != TF_INT32) || bytes < 4 || memcmp(data, data + 4, bytes - 4) != 0) return "";
  // Packed: float_val (5), int_val (7).
  if (type == TF_FLOAT) return BytesField(5, std::string(data, 4));
  int32_t value;
  memcpy(&value, data, 4);
  std::string packed;
  AppendVarint(&packed, static_cast<uint64_t>(static_cast<int64_t>(value)));
  return BytesField(7, packed);
}

using Buffer = std::unique_ptr<TF_Buffer, decltype(&TF_DeleteBuffer)>;
Buffer NewBuffer() { return Buffer(TF_NewBuffer(), TF_DeleteBuffer); }

/** What bfloat16 is for: multiplying. All of these have one result, and kernels for it on GPUs. */
bool IsProduct(const std::string& op) {
  return op == "Conv2D" || op == "Conv2DBackpropInput" || op == "Conv2DBackpropFilter" || op == "MatMul" ||
         op == "BatchMatMulV2";
}

/** The attributes of an operation, as its node has them. @param without the name of one to leave out */
std::string AttributesOf(const TFE_Op* op, const std::string& without, TF_Status* status) {
  const Buffer list = NewBuffer();
  TFE_OpAttrsSerialize(TFE_OpGetAttrs(op), list.get(), status);
  if (TF_GetCode(status) != TF_OK) return "";
  std::string attributes;
  const char* at = static_cast<const char*>(list->data);
  // A NameAttrList: the operation's name, and the attributes in field 2.
  for (const char* end = at + list->length; at < end;) {
    const uint64_t tag = ReadVarint(&at);
    const uint64_t length = ReadVarint(&at);
    const std::string entry(at, length);
    // A map's entry: its key comes first.
    const bool is_left_out = !without.empty() && entry.rfind(BytesField(1, without), 0) == 0;
    if (tag >> 3 == 2 && !is_left_out) attributes += BytesField(5, entry);
    at += length;
  }
  return attributes;
}

}  // namespace

Recording::Recording(const std::vector<TFE_TensorHandle*>& given, bool rounds, bool shapes)
    : rounds_(rounds), shapes_(shapes) {
  for (const TFE_TensorHandle* handle : given) given_.emplace(handle, count_given_++);
}

const Recording::Source* Recording::Find(const TFE_TensorHandle* handle) {
  const auto own = sources_.find(handle);
  if (own != sources_.end()) return &own->second;
  const auto made = earlier_.find(handle);
  if (made != earlier_.end()) return AddArgument(handle, -1 - Keep(made->second));
  const auto given = given_.find(handle);
  return given == given_.end() ? nullptr : AddArgument(handle, given->second);
}

const Recording::Source* Recording::AddArgument(const TFE_TensorHandle* handle, int32_t number) {
  Part& part = parts_.back();
  const std::string name = "argument" + std::to_string(part.arguments.size());
  part.arguments.push_back(number);
  TFE_TensorHandle* const tensor = const_cast<TFE_TensorHandle*>(handle);
  AddNode(name, "Placeholder",
          TypeAttribute("dtype", TFE_TensorHandleDataType(tensor)) + (shapes_ ? ShapeAttribute("shape", tensor) : ""));
  return &(sources_[handle] = {name, 0});
}

int32_t Recording::Keep(const Made& made) {
  Part& part = parts_[made.part];
  for (const auto& [source, number] : part.kept) {
    if (source.node == made.source.node && source.output == made.source.output) return number;
  }
  part.kept.emplace_back(made.source, count_kept_);
  return count_kept_++;
}

void Recording::TakeResults(const std::vector<TFE_TensorHandle*>& results) {
  for (const TFE_TensorHandle* result : results) {
    const Source* source = Find(result);
    if (!source) return Fail("a result was made before the recording");
    parts_.back().results.push_back(*source);
  }
}

void Recording::Pause(const std::vector<TFE_TensorHandle*>& results) {
  TakeResults(results);
  paused_ = true;
  for (const auto& [handle, source] : sources_) {
    // What was given stays given: the next part takes it from where this one did.
    if (source.node.rfind("argument", 0) == 0) continue;
    earlier_[handle] = {parts_.size() - 1, source};
  }
  sources_.clear();
  rounded_.clear();
  constants_.clear();
}

void Recording::Resume(const std::vector<TFE_TensorHandle*>& given) {
  for (const TFE_TensorHandle* handle : given) {
    Forget(handle);
    given_.emplace(handle, count_given_++);
  }
  parts_.emplace_back();
  paused_ = false;
}

void Recording::Forget(const TFE_TensorHandle* handle) {
  earlier_.erase(handle);
  given_.erase(handle);
}

void Recording::AddNode(const std::string& name, const std::string& op, const std::string& rest) {
  Part& part = parts_.back();
  part.graph += BytesField(1, BytesField(1, name) + BytesField(2, op) + rest);
  part.nodes++;
}

/** What was executed has been executed: the results are right, only the function cannot be made. */
void Recording::Fail(const std::string& why) {
  if (failure_.empty()) failure_ = why;
}

void Recording::Begin(const TFE_Op* op) {
  const std::unique_ptr<TF_Status, decltype(&TF_DeleteStatus)> status(TF_NewStatus(), TF_DeleteStatus);
  const std::string op_name = TFE_OpGetName(op, status.get());
  std::string rest;
  bool is_rounded = rounds_ && IsProduct(op_name);
  const int inputs = TFE_OpGetFlatInputCount(op, status.get());
  for (int i = 0; i < inputs; i++) {
    TFE_TensorHandle* input = TFE_OpGetFlatInput(op, i, status.get());
    const Source* found = Find(input);
    if (!found) return Fail(op_name + " reads a tensor that was made before the recording and is not given to it");
    Source source = *found;
    // Sizes stay what they are.
    if (is_rounded && TFE_TensorHandleDataType(input) == TF_FLOAT) source = Cast(source, TF_FLOAT, TF_BFLOAT16);
    rest += BytesField(3, source.node + ":" + std::to_string(source.output));
  }
  rest += AttributesOf(op, is_rounded ? "T" : "", status.get());
  if (TF_GetCode(status.get()) != TF_OK) return Fail(TF_Message(status.get()));
  node_ = "node" + std::to_string(nodes_++);
  AddNode(node_, op_name, is_rounded ? rest + TypeAttribute("T", TF_BFLOAT16) : rest);
  if (is_rounded) node_ = Cast({node_, 0}, TF_BFLOAT16, TF_FLOAT).node;
}

Recording::Source Recording::Cast(const Source& value, TF_DataType from, TF_DataType to) {
  const std::string input = value.node + ":" + std::to_string(value.output);
  const auto known = rounded_.find(input);
  if (known != rounded_.end()) return known->second;
  const std::string name = "cast" + std::to_string(nodes_++);
  AddNode(name, "Cast", BytesField(3, input) + TypeAttribute("SrcT", from) + TypeAttribute("DstT", to));
  return rounded_[input] = {name, 0};
}

void Recording::End(TFE_TensorHandle* const* results, int count) {
  // The place in memory of a tensor that is gone may be another's now.
  for (int i = 0; i < count; i++) sources_[results[i]] = {node_, i};
}

void Recording::AddConstant(const TFE_TensorHandle* handle, const TF_Tensor* values) {
  const size_t bytes = TF_TensorByteSize(values);
  const TF_DataType type = TF_TensorType(values);
  const bool is_large = bytes > kMostConstantBytes;
  const std::string only = is_large ? OnlyValue(values) : "";
  if ((is_large && only.empty()) || type == TF_STRING) {
    return Fail("a tensor of " + std::to_string(bytes) + " bytes is made of values within the recording");
  }
  std::string shape;
  for (int i = 0; i < TF_NumDims(values); i++) shape += Dimension(TF_Dim(values, i));
  const auto content = [&] { return BytesField(4, std::string(static_cast<const char*>(TF_TensorData(values)), bytes)); };
  const std::string tensor = NumberField(1, type) + BytesField(2, shape) + (is_large ? only : content());
  const auto known = constants_.find(tensor);
  if (known != constants_.end()) {
    sources_[handle] = known->second;
    return;
  }
  const std::string name = "constant" + std::to_string(nodes_++);
  AddNode(name, "Const", TypeAttribute("dtype", type) + Attribute("value", BytesField(8, tensor)));
  sources_[handle] = constants_[tensor] = {name, 0};
}

void Recording::AddCopy(const TFE_TensorHandle* handle, const TFE_TensorHandle* of) {
  if (const Source* source = Find(of)) sources_[handle] = Source(*source);
}

std::vector<Recording::Function> Recording::Finish(TFE_Context* context, const std::vector<std::string>& names,
                                                   const std::vector<TFE_TensorHandle*>& results, TF_Status* status) {
  // Before the graphs are read: a result may be an argument that nothing has read yet.
  TakeResults(results);
  if (names.size() != parts_.size()) Fail("a function has not as many names as parts");
  if (!failure_.empty()) {
    TF_SetStatus(status, TF_FAILED_PRECONDITION, failure_.c_str());
    return {};
  }
  std::vector<Function> functions;
  for (size_t i = 0; i < parts_.size() && TF_GetCode(status) == TF_OK; i++) {
    Define(parts_[i], names[i], context, status);
    Function function{parts_[i].arguments, {}, parts_[i].nodes};
    for (const auto& kept : parts_[i].kept) function.kept.push_back(kept.second);
    functions.push_back(std::move(function));
  }
  return functions;
}

void Recording::Define(const Part& part, const std::string& name, TFE_Context* context, TF_Status* status) {
  const std::unique_ptr<TF_Graph, decltype(&TF_DeleteGraph)> graph(TF_NewGraph(), TF_DeleteGraph);
  const std::unique_ptr<TF_ImportGraphDefOptions, decltype(&TF_DeleteImportGraphDefOptions)> options(
      TF_NewImportGraphDefOptions(), TF_DeleteImportGraphDefOptions);
  const Buffer versions = NewBuffer();
  TF_GraphVersions(graph.get(), versions.get(), status);
  const std::string all =
      part.graph + BytesField(4, std::string(static_cast<const char*>(versions->data), versions->length));
  const Buffer definition(TF_NewBufferFromString(all.data(), all.size()), TF_DeleteBuffer);
  TF_GraphImportGraphDef(graph.get(), definition.get(), options.get(), status);
  if (TF_GetCode(status) != TF_OK) return;

  const auto output = [&](const Source& source) {
    return TF_Output{TF_GraphOperationByName(graph.get(), source.node.c_str()), source.output};
  };
  std::vector<TF_Output> inputs, outputs;
  for (size_t i = 0; i < part.arguments.size(); i++) inputs.push_back(output({"argument" + std::to_string(i), 0}));
  for (const Source& source : part.results) outputs.push_back(output(source));
  for (const auto& kept : part.kept) outputs.push_back(output(kept.first));
  const std::unique_ptr<TF_Function, decltype(&TF_DeleteFunction)> function(
      TF_GraphToFunction(graph.get(), name.c_str(), 0, -1, nullptr, inputs.size(), inputs.data(), outputs.size(),
                         outputs.data(), nullptr, nullptr, nullptr, status),
      TF_DeleteFunction);
  if (TF_GetCode(status) == TF_OK) TFE_ContextAddFunction(context, function.get(), status);
}

namespace {

/** A tensor has come to be: those that pause forget what lay at its place in memory. */
void Tell(const TFE_TensorHandle* handle) {
  for (const auto& recording : recordings) {
    if (recording->paused()) recording->Forget(handle);
  }
}

}  // namespace

void Execute(TFE_Op* op, TFE_TensorHandle** results, int* count, TF_Status* status) {
  if (!optimizer_settings.empty()) {
    const auto settings = optimizer_settings.find(TFE_OpGetName(op, status));
    if (settings != optimizer_settings.end()) {
      TFE_OpSetAttrString(op, "config_proto", settings->second.data(), settings->second.size());
    }
  }
  if (Recording::current) Recording::current->Begin(op);
  TFE_Execute(op, results, count, status);
  if (recordings.empty() || TF_GetCode(status) != TF_OK) return;
  for (int i = 0; i < *count; i++) Tell(results[i]);
  if (Recording::current) Recording::current->End(results, *count);
}

TFE_TensorHandle* NewTensorHandle(const TF_Tensor* values, TF_Status* status) {
  TFE_TensorHandle* handle = TFE_NewTensorHandle(values, status);
  if (recordings.empty() || TF_GetCode(status) != TF_OK) return handle;
  Tell(handle);
  if (Recording::current) Recording::current->AddConstant(handle, values);
  return handle;
}

TFE_TensorHandle* CopyToDevice(TFE_TensorHandle* handle, TFE_Context* context, const char* device, TF_Status* status) {
  TFE_TensorHandle* copy = TFE_TensorHandleCopyToDevice(handle, context, device, status);
  if (recordings.empty() || TF_GetCode(status) != TF_OK) return copy;
  Tell(copy);
  if (Recording::current) Recording::current->AddCopy(copy, handle);
  return copy;
}

TF_Tensor* Resolve(TFE_TensorHandle* handle, TF_Status* status) {
  if (!Recording::current) return TFE_TensorHandleResolve(handle, status);
  TF_SetStatus(status, TF_FAILED_PRECONDITION, "a value is read while operations are recorded");
  return nullptr;
}

}  // namespace resdet
