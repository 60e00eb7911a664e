// One function a rule, each in its rule_<name>.cc.
#pragma once

namespace bailey::review {

class Code;
class Reports;

void CheckIgnoredResult(const Code& code, Reports& reports);
void CheckExactRuleDropped(const Code& code, Reports& reports);
void CheckRareError(const Code& code, Reports& reports);
void CheckPredictableFile(const Code& code, Reports& reports);
void CheckUnboundedLog(const Code& code, Reports& reports);
void CheckIdInPath(const Code& code, Reports& reports);
void CheckOptionInjection(const Code& code, Reports& reports);
void CheckStringBuiltJson(const Code& code, Reports& reports);
void CheckShellCommand(const Code& code, Reports& reports);
void CheckStaleComment(const Code& code, Reports& reports);
void CheckNeverCalled(const Code& code, Reports& reports);
void CheckDetachedChain(const Code& code, Reports& reports);
void CheckFilterNotLoaded(const Code& code, Reports& reports);
void CheckUnmaskedCompare(const Code& code, Reports& reports);
void CheckNoNewPrivsMissing(const Code& code, Reports& reports);
void CheckPrivilegeOrder(const Code& code, Reports& reports);
void CheckChrootWithoutChdir(const Code& code, Reports& reports);
void CheckThenOpen(const Code& code, Reports& reports);
void CheckPrefixOfPath(const Code& code, Reports& reports);
void CheckLostBytes(const Code& code, Reports& reports);
void CheckArchitectureNotRead(const Code& code, Reports& reports);
void CheckInheritedDescriptor(const Code& code, Reports& reports);

}  // namespace bailey::review
