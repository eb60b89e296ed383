#pragma once
// What api_http.cc asks of the API server, one row for each verb and resource: the cluster role of
// the manifest has to allow these and needs no other. GET /version is open to every account.

#include <string_view>

namespace vpccni::k8s {

struct Permission {
  std::string_view verb;
  std::string_view group;  // "" = core
  std::string_view resource;
  bool for_annotations = false;  // ANNOTATE_POD_IP only: upstream's role does not have it
};

inline constexpr Permission kPermissions[] = {
    {"get", "", "nodes"},
    {"list", "", "nodes"},
    {"watch", "", "nodes"},
    {"get", "", "pods"},
    {"list", "", "pods"},
    {"watch", "", "pods"},
    {"patch", "", "pods", true},
    {"get", "crd.k8s.amazonaws.com", "eniconfigs"},
    {"get", "vpcresources.k8s.aws", "cninodes"},
    {"patch", "vpcresources.k8s.aws", "cninodes"},
    {"create", "events.k8s.io", "events"},
    {"patch", "events.k8s.io", "events"},
};

}  // namespace vpccni::k8s
