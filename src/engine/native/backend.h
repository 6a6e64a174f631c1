#ifndef RESDET_BACKEND_H_
#define RESDET_BACKEND_H_

#include <node_api.h>

#include <vector>

namespace resdet {

/** What the addon offers beside tfjs-node's own calls: to record operations as a function, see `recorder.h`. */
std::vector<napi_property_descriptor> RecorderMethods();

}  // namespace resdet

#endif
