"""The routes that most architectures take."""

from architecture import Route

EAGER14 = Route("torchscript", 14, "eager")
EAGER17 = Route("torchscript", 17, "eager")
SDPA14_LAST = Route("torchscript", 14, rows="last")
SDPA17_DYNAMIC = Route("torchscript", 17, dynamic=True)
DYNAMO18 = Route("dynamo", 18, "eager", batch=2)
DYNAMO20_DYNAMIC = Route("dynamo", 20, dynamic=True)
DYNAMO23 = Route("dynamo", 23)
DYNAMO23_LAST = Route("dynamo", 23, rows="last")
DYNAMO24 = Route("dynamo", 24)
COMMON = (EAGER17, SDPA14_LAST, DYNAMO23)
EVERY = (EAGER14, EAGER17, SDPA14_LAST, SDPA17_DYNAMIC, DYNAMO18, DYNAMO20_DYNAMIC, DYNAMO23_LAST, DYNAMO24)
