#ifndef RESDET_BACKEND_H_
#define RESDET_BACKEND_H_

#include <node_api.h>

#include <string>
#include <vector>

#include "tensorflow/c/eager/c_api.h"

namespace resdet {

// How our own calls get at what tfjs-node's backend keeps to itself.
TFE_Context* Context(napi_env env);
/** The tensors of a list of numbers; one that is gone is null. */
std::vector<TFE_TensorHandle*> Handles(napi_env env, napi_value ids);
/** Hands a tensor to tfjs-node's backend, and gives what JavaScript makes a tensor of: id, shape, dtype. */
napi_value Describe(napi_env env, TFE_TensorHandle* tensor);
/** Tells the backend what TensorFlow calls its device since this process is a task among others. */
void RenameDevice(napi_env env, const std::string& task);

std::vector<napi_value> Arguments(napi_env env, napi_callback_info info, size_t count);
std::string Text(napi_env env, napi_value value);
napi_property_descriptor Method(const char* name, napi_callback call);

/** What the addon offers beside tfjs-node's own calls: to record operations as a function, see `recorder.h`. */
std::vector<napi_property_descriptor> RecorderMethods();

}  // namespace resdet

#endif
