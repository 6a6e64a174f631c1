#ifndef RESDET_RECORDER_H_
#define RESDET_RECORDER_H_

#include <cstdint>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "tensorflow/c/eager/c_api.h"

/**
 * Operations that are executed one by one, recorded to be run again as one TensorFlow function. While a recording lives it
 * sees every operation, and every tensor that is made of values; it writes them down as a GraphDef.
 */
namespace resdet {

class Recording {
 public:
  /** @param given tensors made before that may be read; each that is becomes an argument of the function */
  explicit Recording(const std::vector<TFE_TensorHandle*>& given);
  ~Recording();
  Recording(const Recording&) = delete;
  Recording& operator=(const Recording&) = delete;

  /** An operation that is going to be executed: then it forgets its inputs. */
  void Begin(const TFE_Op* op);
  /** The results of the operation that began last. */
  void End(TFE_TensorHandle* const* results, int count);
  /** A tensor of values, which becomes a constant of the function. */
  void AddConstant(const TFE_TensorHandle* handle, const TF_Tensor* values);
  /** A copy on another device stands for the same value. */
  void AddCopy(const TFE_TensorHandle* handle, const TFE_TensorHandle* of);

  /**
   * Makes the function known to TensorFlow. The status says what could not be recorded, if anything.
   * @returns which of `given` are its arguments, in their order
   */
  std::vector<uint32_t> Finish(TFE_Context* context, const std::string& name,
                               const std::vector<TFE_TensorHandle*>& results, TF_Status* status);

  /** The one that is going on in this thread, if any: each thread of JavaScript has a backend of its own. */
  static thread_local Recording* current;

 private:
  /** Where a value comes from: output `second` of node `first`. */
  using Source = std::pair<std::string, int>;

  const Source* Find(const TFE_TensorHandle* handle);
  void AddNode(const std::string& name, const std::string& op, const std::string& rest);
  void Fail(const std::string& why);

  std::string graph_;
  std::string failure_;
  std::string node_;
  int nodes_ = 0;
  std::unordered_map<const TFE_TensorHandle*, Source> sources_;
  std::unordered_map<const TFE_TensorHandle*, uint32_t> given_;
  std::vector<uint32_t> arguments_;
};

/** The optimizer's settings (a serialized ConfigProto) of each function of this thread's that has any, by its name. */
extern thread_local std::unordered_map<std::string, std::string> optimizer_settings;

// What tfjs-node's backend calls in the place of TensorFlow's own.
void Execute(TFE_Op* op, TFE_TensorHandle** results, int* count, TF_Status* status);
TFE_TensorHandle* NewTensorHandle(const TF_Tensor* values, TF_Status* status);
TFE_TensorHandle* CopyToDevice(TFE_TensorHandle* handle, TFE_Context* context, const char* device, TF_Status* status);
TF_Tensor* Resolve(TFE_TensorHandle* handle, TF_Status* status);

}  // namespace resdet

#endif
