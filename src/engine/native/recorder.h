#ifndef RESDET_RECORDER_H_
#define RESDET_RECORDER_H_

#include <cstdint>
#include <memory>
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
  /**
   * @param given tensors made before that may be read; each that is becomes an argument of the function
   * @param rounds whether the function computes convolutions and products in bfloat16, by casts around them; the operations that
   *   are recorded are executed as they are
   * @param shapes whether TensorFlow is told the shapes of arguments, which its optimizer needs to fuse the end of a residual block
   */
  Recording(const std::vector<TFE_TensorHandle*>& given, bool rounds, bool shapes);

  /** An operation that is going to be executed: then it forgets its inputs. */
  void Begin(const TFE_Op* op);
  /** The results of the operation that began last. */
  void End(TFE_TensorHandle* const* results, int count);
  /** A tensor of values, which becomes a constant of the function. */
  void AddConstant(const TFE_TensorHandle* handle, const TF_Tensor* values);
  /** A copy on another device stands for the same value. */
  void AddCopy(const TFE_TensorHandle* handle, const TFE_TensorHandle* of);

  /** Ends a part, which becomes a function of its own. What is executed from now on is no business of this recording. */
  void Pause(const std::vector<TFE_TensorHandle*>& results);
  /** Begins another part. @param given may be read from now on, beside what could be before and what earlier parts made */
  void Resume(const std::vector<TFE_TensorHandle*>& given);
  bool paused() const { return paused_; }
  /** While this one pauses another tensor came by: what lay at its place in memory is gone. */
  void Forget(const TFE_TensorHandle* handle);

  /** One part as a function. */
  struct Function {
    /** Numbers of what was given, over all parts; -1 - k stands for the k-th value that is kept for later parts. */
    std::vector<int32_t> arguments;
    /** The kept values that come behind its results. */
    std::vector<int32_t> kept;
    uint32_t nodes;
  };

  /**
   * Makes the functions of all parts known to TensorFlow. The status says what could not be recorded, if anything.
   * @param names of the functions
   */
  std::vector<Function> Finish(TFE_Context* context, const std::vector<std::string>& names,
                               const std::vector<TFE_TensorHandle*>& results, TF_Status* status);

  /** The one that is going on in this thread, if any: each thread of JavaScript has a backend of its own. */
  static thread_local Recording* current;

 private:
  /** Where a value comes from: output `output` of a node. */
  struct Source {
    std::string node;
    int output;
  };
  struct Part {
    std::string graph;
    std::vector<int32_t> arguments;
    std::vector<Source> results;
    /** Behind the results: values for later parts, with their numbers among all that are kept. */
    std::vector<std::pair<Source, int32_t>> kept;
    uint32_t nodes = 0;
  };
  struct Made {
    size_t part;
    Source source;
  };

  const Source* Find(const TFE_TensorHandle* handle);
  const Source* AddArgument(const TFE_TensorHandle* handle, int32_t number);
  /** The number of a value of an earlier part, which is kept from now on. */
  int32_t Keep(const Made& made);
  void TakeResults(const std::vector<TFE_TensorHandle*>& results);
  /** A node that casts a value to another type, in the part that is going on; a value is rounded once. */
  Source Cast(const Source& value, TF_DataType from, TF_DataType to);
  void AddNode(const std::string& name, const std::string& op, const std::string& rest);
  void Fail(const std::string& why);
  static void Define(const Part& part, const std::string& name, TFE_Context* context, TF_Status* status);

  std::vector<Part> parts_{1};
  std::string failure_;
  std::string node_;
  int nodes_ = 0;
  int32_t count_given_ = 0;
  int32_t count_kept_ = 0;
  bool paused_ = false;
  const bool rounds_;
  const bool shapes_;
  /** Of values of this part that were rounded, by node and output: what became of them. */
  std::unordered_map<std::string, Source> rounded_;
  /** Constants of this part by their values, a TensorProto: most are axes and sizes that come again and again. */
  std::unordered_map<std::string, Source> constants_;
  /** Of this part, then of those before it, then what was given: a tensor's place in memory may be an older one's. */
  std::unordered_map<const TFE_TensorHandle*, Source> sources_;
  std::unordered_map<const TFE_TensorHandle*, Made> earlier_;
  std::unordered_map<const TFE_TensorHandle*, int32_t> given_;
};

/** Recordings of this thread, each made while the one before it pauses. */
extern thread_local std::vector<std::unique_ptr<Recording>> recordings;

/** The optimizer's settings (a serialized ConfigProto) of each function of this thread's that has any, by its name. */
extern thread_local std::unordered_map<std::string, std::string> optimizer_settings;

// What tfjs-node's backend calls in the place of TensorFlow's own.
void Execute(TFE_Op* op, TFE_TensorHandle** results, int* count, TF_Status* status);
TFE_TensorHandle* NewTensorHandle(const TF_Tensor* values, TF_Status* status);
TFE_TensorHandle* CopyToDevice(TFE_TensorHandle* handle, TFE_Context* context, const char* device, TF_Status* status);
TF_Tensor* Resolve(TFE_TensorHandle* handle, TF_Status* status);

}  // namespace resdet

#endif
